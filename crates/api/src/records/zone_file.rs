//! Zone files: records of a zone imported from one, and exported as one
//! (docs: dns/manage-dns-records/how-to/import-and-export).

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes, HttpBody};
use http_body::Frame;
use serde::Serialize;
use tokio::sync::mpsc;
use waymark_control::{Export, ImportProblem};

use crate::envelope::{Message, Reply, Timing};
use crate::errors::{Failure, Texts};
use crate::routes::Call;

/// Lines that one answer tells of; what is beyond them is counted.
const MESSAGES_MAX: usize = 1000;
/// The code of a line that no rule for records has refused.
const LINE: u32 = 9207;
/// Pieces of an export that wait for the client.
const PIECES_WAITING: usize = 2;

/// `dns-api.json`, dns.RecordImportResponse.
#[derive(Serialize)]
struct ImportView {
    recs_added: u64,
    total_records_parsed: u64,
}

/// `POST /zones/{zone_id}/dns_records/import`
pub(crate) async fn import(call: Call) -> Result<Reply, Failure> {
    let mut form = call.form(call.limits.zone_file_octets_max).await?;
    let text = form.take("file").ok_or_else(|| Failure::body("the field file is needed, with a zone file in it"))?;
    let proxied = form.take("proxied").map(|text| truth(&text)).transpose()?.unwrap_or(false);
    call.count_import()?;
    let (start, began) = (call.shared.clock.now(), Instant::now());
    let imported = call.control.record_import(call.grant()?, call.identifier(0)?, text, proxied).await?;
    let timing = Timing {
        start_time: start.to_rfc3339(),
        end_time: call.shared.clock.now().to_rfc3339(),
        process_time: began.elapsed().as_secs_f64(),
    };
    let result = ImportView { recs_added: imported.added, total_records_parsed: imported.parsed };
    Reply::timed(result, &messages(&imported.problems, &call.shared.texts), timing)
}

/// `GET /zones/{zone_id}/dns_records/export`
pub(crate) async fn export(call: Call) -> Result<Reply, Failure> {
    let mut export = call.control.record_export(call.grant()?, call.identifier(0)?).await?;
    // What goes wrong before the first piece is an answer like any other.
    let Some(first) = export.next().await? else { return Ok(Reply::text(Body::empty())) };
    let (pieces, leaving) = mpsc::channel(PIECES_WAITING);
    let patience = call.limits.request_ms;
    tokio::spawn(send(export, first, pieces, patience));
    Ok(Reply::text(Body::new(Leaving { pieces: leaving, whole: false })))
}

/// A form knows texts only.
fn truth(text: &[u8]) -> Result<bool, Failure> {
    match text.trim_ascii().to_ascii_lowercase().as_slice() {
        b"true" => Ok(true),
        b"false" | b"" => Ok(false),
        _ => Err(Failure::Proxied),
    }
}

/// What became of lines that were not taken as they are: with the code of the rule where one said no.
fn messages(problems: &[ImportProblem], texts: &Texts) -> Vec<Message> {
    let mut messages: Vec<Message> =
        problems.iter().take(MESSAGES_MAX).map(|problem| message(problem, texts)).collect();
    if let Some(more) = problems.len().checked_sub(MESSAGES_MAX).filter(|more| *more > 0) {
        let text = format!("{more} more lines were not taken as they are.");
        messages.push(Message { code: LINE, message: text.into(), kind: None });
    }
    messages
}

fn message(problem: &ImportProblem, texts: &Texts) -> Message {
    let code = problem.refusal.as_ref().and_then(|refusal| Failure::from(refusal.clone()).report(texts).code());
    let text = match problem.line {
        0 => problem.text.clone(),
        line => format!("line {line}: {}", problem.text),
    };
    Message { code: code.unwrap_or(LINE), message: text.into(), kind: None }
}

/// A piece of an export; none behind the last one.
type Piece = Option<String>;

/// Hands over an export piece by piece, until the end or as far as it goes. A client that takes no piece for
/// `patience_ms` has gone away.
async fn send(mut export: Export, first: String, pieces: mpsc::Sender<Piece>, patience_ms: u64) {
    let mut piece = Some(first);
    loop {
        let end = piece.is_none();
        let sent = match patience_ms {
            0 => pieces.send(piece).await.is_ok(),
            patience => pieces.send_timeout(piece, Duration::from_millis(patience)).await.is_ok(),
        };
        if end || !sent {
            return;
        }
        piece = match export.next().await {
            Ok(piece) => piece,
            Err(refusal) => {
                tracing::warn!(%refusal, "an export broke off");
                return;
            }
        };
    }
}

/// The body of an export. One that broke off must not look whole: it ends in an error, and so does the connection.
struct Leaving {
    pieces: mpsc::Receiver<Piece>,
    whole: bool,
}

impl HttpBody for Leaving {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if self.whole {
            return Poll::Ready(None);
        }
        self.pieces.poll_recv(context).map(|piece| match piece {
            Some(Some(text)) => Some(Ok(Frame::data(Bytes::from(text)))),
            Some(None) => {
                self.whole = true;
                None
            }
            None => Some(Err(io::Error::other("the export broke off"))),
        })
    }
}
