//! Exporting a zone as a zone file: in pieces, out of one read transaction, while writes go on.

use crate::error::Refusal;
use crate::identity::Grant;
use crate::{Control, PublicId};

/// A zone file that is being written, of the state of one moment.
pub struct Export {
    pieces: tokio::sync::mpsc::Receiver<Result<String, Refusal>>,
}

impl Control {
    /// A zone as a zone file that can be imported again: SOA and nameservers as they are now (with serial 1), then the
    /// owner's records in canonical order, with their comments, tags and proxies.
    pub async fn record_export(&self, grant: &Grant, zone: PublicId) -> Result<Export, Refusal> {
        let _ = (grant, zone);
        Err(Refusal::NotAvailable("zones cannot be exported yet".to_owned()))
    }
}

impl Export {
    /// The next piece of text, of whole lines; none at the end.
    pub async fn next(&mut self) -> Result<Option<String>, Refusal> {
        self.pieces.recv().await.transpose()
    }
}
