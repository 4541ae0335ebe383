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
    /// What the server does: `control`, `edge`.
    #[serde(default)]
    pub roles: Vec<String>,
    /// The URL of `/healthz` and `/metrics` without these paths; empty when no server runs.
    #[serde(default)]
    pub origin: String,
    /// The base URL of the API; empty when no server runs, or an edge alone.
    pub api_base: String,
    /// The same over TLS, by its address; none without TLS.
    #[serde(default)]
    pub api_tls_base: Option<String>,
    /// Where DNS is answered.
    pub dns: Vec<String>,
    /// The last committed position; none on an edge alone, which does not know it.
    pub committed: Option<u64>,
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
    /// What brings changes to it; none when no server runs.
    #[serde(default)]
    pub feed: Option<Feed>,
    /// What is wrong; none if nothing is.
    pub problem: Option<String>,
}

/// What brings changes to a server.
#[derive(Clone, Serialize, Deserialize, Debug, PartialEq, Default)]
pub struct Feed {
    /// Whether changes reach it.
    pub connected: bool,
    /// On an edge alone: since when none has been connected.
    pub since: Option<String>,
    /// On an edge alone: what it answers with is of this time or before.
    pub state_of: Option<String>,
    /// How long ago that was.
    pub state_age_seconds: Option<u64>,
}

impl fmt::Display for Feed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.connected { "connected" } else { "none is connected" })?;
        if let Some(since) = &self.since {
            write!(f, " since {since}")?;
        }
        if let (Some(of), Some(age)) = (&self.state_of, self.state_age_seconds) {
            write!(f, "; answers are of {of} or before, {age} s ago")?;
        }
        Ok(())
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let running = if self.running { "running" } else { "not running" };
        writeln!(f, "waymark {}: {running}", self.version)?;
        if self.running {
            writeln!(f, "roles       {}", self.roles.join(", "))?;
            match self.api_base.as_str() {
                "" => writeln!(f, "health      {0}/healthz {0}/metrics", self.origin)?,
                base => writeln!(f, "API         {base}")?,
            }
            if let Some(base) = &self.api_tls_base {
                writeln!(f, "API, TLS    {base}")?;
            }
            writeln!(f, "DNS         {}", self.dns.join(" "))?;
            writeln!(f, "serves      {} zones, {} RRsets, {} octets", self.zones, self.rrsets, self.octets)?;
        }
        let mut positions: Vec<String> =
            self.committed.iter().map(|position| format!("committed {position}")).collect();
        if self.running {
            positions.extend([format!("applied {}", self.applied), format!("edge file {}", self.edge_file)]);
        }
        writeln!(f, "positions   {}", positions.join(", "))?;
        if let Some(feed) = self.feed.as_ref().filter(|feed| !feed.connected) {
            writeln!(f, "feed        {feed}")?;
        }
        match &self.problem {
            Some(problem) => writeln!(f, "problem     {problem}"),
            None => Ok(()),
        }
    }
}
