//! What holds for every route.

use std::collections::HashSet;

use super::*;

#[test]
fn a_route_writes_an_audit_entry_exactly_if_its_method_changes_something() {
    for route in all() {
        assert_eq!(route.action().is_some(), route.method != Method::GET, "{} {}", route.method, route.template);
    }
}

#[test]
fn a_route_that_changes_something_needs_a_permission() {
    for route in all().iter().filter(|route| route.action().is_some()) {
        assert!(matches!(route.access, Access::AnyOf([_, ..])), "{} {}", route.method, route.template);
    }
}

#[test]
fn routes_are_unique_and_have_no_slash_at_the_end() {
    let names: HashSet<_> = all().iter().map(|route| (route.method(), route.template())).collect();
    assert_eq!(names.len(), all().len());
    assert!(all().iter().all(|route| route.template.starts_with('/') && !route.template.ends_with('/')));
}

#[test]
fn every_route_is_an_endpoint_of_the_contract() {
    let contract = waymark_contract::contract().unwrap();
    for route in all() {
        let of_contract = |endpoint: &waymark_contract::Endpoint| {
            endpoint.method == route.method.as_str() && endpoint.path == route.template
        };
        assert!(contract.endpoints().iter().any(of_contract), "{} {}", route.method, route.template);
    }
}
