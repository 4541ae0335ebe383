//! The list of zones: a thousand at a time from the store, each sent on before the next are read.

use tokio::io::AsyncWrite;
use waymark_control::{Control, Grant, Status, ZoneFilter};

use super::exchange::{Parcel, Told, Trouble, ZoneQuery};
use super::zones::line;
use super::{PER_PAGE, accounts};
use crate::control_socket::Target;

pub(super) async fn list<W: AsyncWrite + Unpin + Send>(
    target: &impl Target,
    query: ZoneQuery,
    to: &mut Parcel<'_, W>,
) -> Result<(), Trouble> {
    let filter = filter(target.control()?, &query).await?;
    let mut after = None;
    loop {
        let control = target.control()?;
        let zones = control.zone_list_after(&Grant::operator(), filter.clone(), after, PER_PAGE).await?;
        let Some(last) = zones.last() else { return Ok(()) };
        after = Some((last.name.clone(), last.number));
        for zone in &zones {
            if query.name.as_deref().is_none_or(|pattern| matches(pattern, &zone.name.to_string())) {
                to.say(&Told::Zone(line(zone, target.catalog()))).await?;
            }
        }
        // What has been found is seen before the next are looked for: a pattern may meet few.
        to.send().await?;
    }
}

async fn filter(control: &Control, query: &ZoneQuery) -> Result<ZoneFilter, String> {
    let account_id = match &query.account {
        None => None,
        Some(text) => Some(accounts::find(control, text).await?),
    };
    if let Some(status) = query.status.as_deref().filter(|status| Status::from_word(status).is_none()) {
        return Err(format!("{status:?} is not the status of a zone"));
    }
    // A name without a star is looked up instead of compared with all.
    let name = query.name.clone().filter(|pattern| !pattern.contains('*'));
    Ok(ZoneFilter { name, account_id, status: query.status.clone(), ..ZoneFilter::default() })
}

/// Whether a name is as the pattern says, in which `*` stands for any text.
fn matches(pattern: &str, name: &str) -> bool {
    let pattern = pattern.trim_end_matches('.').to_ascii_lowercase();
    let Some((start, rest)) = pattern.split_once('*') else { return true };
    let Some(mut left) = name.strip_prefix(start) else { return false };
    let mut pieces: Vec<&str> = rest.split('*').collect();
    let end = pieces.pop().unwrap_or_default();
    for piece in pieces {
        let Some(at) = left.find(piece) else { return false };
        left = &left[at + piece.len()..];
    }
    left.ends_with(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_anything() {
        for (pattern, name, expected) in [
            ("*", "example.com", true),
            ("*.com", "example.com", true),
            ("*.com", "com", false),
            ("*.COM.", "example.com", true),
            ("ex*.com", "example.com", true),
            ("ex*.net", "example.com", false),
            ("*amp*e*", "example.com", true),
            ("*pma*", "example.com", false),
            ("a*a", "a", false),
            ("a*b*b", "ab", false),
        ] {
            assert_eq!(matches(pattern, name), expected, "{pattern} {name}");
        }
    }
}
