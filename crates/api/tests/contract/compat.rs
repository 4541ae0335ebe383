//! `docs/compat.md`: a tour through every endpoint that is there, and the page of what it has seen.
//!
//! ```text
//!  probe     a request with and without something: does the reply differ
//!  identity, zones, plans, records, zone_files, absent   the stops
//!  codes     a request for every error code
//! ```
//!
//! A stop asks its endpoints with every query parameter and every member of a body, and sees to it that replies have all
//! that they can have. What the contract declares and no stop tries, the page complains of. The node's clock stands still
//! and ids are never shown, so two tours see the same.

mod absent;
mod codes;
mod identity;
mod plans;
mod probe;
mod records;
mod zone_files;
mod zones;

use std::path::Path;

use serde_json::json;
use waymark_contract::{Observations, Page, contract};

use crate::harness::Node;

/// What a path's variable is when nothing is there to be found.
const NOBODY: &str = "00000000000000000000000000000000";

/// Set to `write`, the page is written, not compared.
const WRITE: &str = "WAYMARK_COMPAT";

#[tokio::test]
async fn the_page_is_what_a_tour_sees() {
    let node = Node::start().await;
    which_are_there(&node).await;
    identity::tour(&node).await;
    zones::tour(&node).await;
    plans::tour(&node).await;
    records::tour(&node).await;
    zone_files::tour(&node).await;
    absent::tour(&node).await;
    let mut seen = node.seen.into_inner().unwrap();
    seen.merge(codes::tour().await);
    held_against_the_page(&seen);
}

/// Asks for every endpoint of the contract: what has no route says so.
async fn which_are_there(node: &Node) {
    for endpoint in contract().unwrap().endpoints() {
        let segments = endpoint.path.split('/').map(|segment| match segment {
            "{accounts_or_zones}" => "zones",
            variable if variable.starts_with('{') => NOBODY,
            word => word,
        });
        let path = segments.collect::<Vec<_>>().join("/");
        let answer = node.send(&endpoint.method, &path, Some(json!({}))).await;
        let code = answer.json["errors"][0]["code"].as_u64();
        if !matches!(code, Some(7001 | 7003)) {
            node.seen.lock().unwrap().implemented(&endpoint.id);
        }
    }
}

fn held_against_the_page(seen: &Observations) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let rulings = std::fs::read_to_string(root.join("docs/compat/rulings.md")).unwrap();
    let page = Page::new(contract().unwrap(), seen, &rulings).unwrap_or_else(|why| panic!("\n{why}\n"));
    let file = root.join("docs/compat.md");
    if std::env::var(WRITE).is_ok_and(|word| word == "write") {
        return std::fs::write(file, page.text()).unwrap();
    }
    let committed = std::fs::read_to_string(file).unwrap_or_default();
    let differs = page.text().lines().zip(committed.lines()).find(|(new, old)| new != old);
    assert!(
        page.text() == committed,
        "docs/compat.md is not what the tour sees; {WRITE}=write cargo nextest run -p waymark-api compat writes it.\n\
         The first difference, new and committed: {differs:#?}"
    );
}
