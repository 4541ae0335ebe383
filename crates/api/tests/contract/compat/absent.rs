//! What clients look for and do not find: page rules, views.

use super::probe;
use crate::harness::Node;

pub(super) async fn tour(node: &Node) {
    let rules = format!("{}/pagerules", node.zone("ruled.example").await);
    let pairs = ["direction=asc", "match=any", "order=status", "status=disabled"];
    probe::flags(node, "page_rules.list", &rules, &pairs).await;
    let views = format!("/accounts/{}/dns_settings/views", node.bootstrap.account_id);
    let pairs = [
        "direction=desc",
        "match=any",
        "name=x",
        "name.contains=x",
        "name.endswith=x",
        "name.exact=x",
        "name.startswith=x",
        "order=created_on",
        "page=2",
        "per_page=5",
        "zone_id=00000000000000000000000000000000",
        "zone_name=x",
    ];
    probe::flags(node, "dns.settings.account.views.list", &views, &pairs).await;
}
