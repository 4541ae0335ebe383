//! Bodies of zone writes, member by member. Only types are judged here; whether a value can be had is control's to say.
//! A member that is null counts as absent.

use serde_json::{Map, Value};
use waymark_control::{Invalid, Kind, Plan, Refusal, ZoneEdit};

use crate::body::{member_object, member_text};
use crate::errors::Failure;

type Members = Map<String, Value>;

/// The body of PATCH. `plan` is not declared, but sent by clients: its id alone counts.
pub(super) fn zone_edit(members: &Members) -> Result<ZoneEdit, Failure> {
    Ok(ZoneEdit {
        plan: plan(members)?,
        paused: match members.get("paused") {
            None | Some(Value::Null) => None,
            Some(Value::Bool(paused)) => Some(*paused),
            Some(_) => return Err(Failure::Member { name: "paused", needed: "a boolean" }),
        },
        kind: member_kind(members)?,
        vanity_name_servers: vanity_name_servers(members)?,
    })
}

/// How a zone is to be set up.
pub(super) fn member_kind(members: &Members) -> Result<Option<Kind>, Failure> {
    const NEEDED: Failure = Failure::Member { name: "type", needed: "full, partial, secondary or internal" };
    member_text(members, "type")?.map(|word| Kind::from_word(&word).ok_or(NEEDED)).transpose()
}

fn plan(members: &Members) -> Result<Option<Plan>, Failure> {
    let Some(plan) = member_object(members, "plan")? else { return Ok(None) };
    let id = plan.get("id").and_then(Value::as_str);
    let id = id.ok_or(Failure::Member { name: "plan", needed: "an object with the id of a plan" })?;
    match Plan::from_id(id) {
        Some(plan) => Ok(Some(plan)),
        None => Err(Refusal::from(Invalid::Plan(id.to_owned())).into()),
    }
}

fn vanity_name_servers(members: &Members) -> Result<Option<Vec<String>>, Failure> {
    const NEEDED: Failure = Failure::Member { name: "vanity_name_servers", needed: "an array of strings" };
    match members.get("vanity_name_servers") {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Array(names)) => {
            names.iter().map(|name| name.as_str().map(str::to_owned)).collect::<Option<_>>().map(Some).ok_or(NEEDED)
        }
        Some(_) => Err(NEEDED),
    }
}
