//! How the server is.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How the server is. Positions are those of the journal.
#[derive(Clone, Serialize, Deserialize, Debug, PartialEq, Default)]
pub struct Status {
    /// Whether a server runs.
    pub running: bool,
    /// The release.
    pub version: String,
    /// The base URL of the API; empty when no server runs.
    pub api_base: String,
    /// The same over TLS, by its address; none without TLS.
    #[serde(default)]
    pub api_tls_base: Option<String>,
    /// Where DNS is answered.
    pub dns: Vec<String>,
    /// The last committed position.
    pub committed: u64,
    /// The position that DNS answers with.
    pub applied: u64,
    /// The position in the edge file.
    pub edge_file: u64,
    /// Zones that are served.
    pub zones: u64,
    /// RRsets that are served.
    pub rrsets: u64,
    /// Octets that DNS holds in memory for all zones.
    pub octets: u64,
    /// What is wrong; none if nothing is.
    pub problem: Option<String>,
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let running = if self.running { "running" } else { "not running" };
        writeln!(f, "waymark {}: {running}", self.version)?;
        if self.running {
            writeln!(f, "API         {}", self.api_base)?;
            if let Some(base) = &self.api_tls_base {
                writeln!(f, "API, TLS    {base}")?;
            }
            writeln!(f, "DNS         {}", self.dns.join(" "))?;
            writeln!(f, "serves      {} zones, {} RRsets, {} octets", self.zones, self.rrsets, self.octets)?;
        }
        write!(f, "positions   committed {}", self.committed)?;
        if self.running {
            write!(f, ", applied {}, edge file {}", self.applied, self.edge_file)?;
        }
        writeln!(f)?;
        match &self.problem {
            Some(problem) => writeln!(f, "problem     {problem}"),
            None => Ok(()),
        }
    }
}
