//! Zones as zone files: what their owners have written.

use tokio::io::AsyncWrite;
use waymark_control::{Grant, Page, Zone, ZoneFilter};

use super::exchange::{Parcel, Told, Trouble};
use super::{PER_PAGE, zones};
use crate::control_socket::Target;

pub(super) async fn export<W: AsyncWrite + Unpin + Send>(
    target: &impl Target,
    zone: Option<String>,
    to: &mut Parcel<'_, W>,
) -> Result<(), Trouble> {
    let control = target.control()?;
    let operator = Grant::operator();
    if let Some(text) = zone {
        let id = zones::find(control, &text).await?;
        let zone = control.zone_get(&operator, id).await?;
        return one(target, &zone, to).await;
    }
    // The platform's own zone is made by the platform, from its configuration.
    let own = |zone: &Zone| zone.name.is_at_or_below(&control.brand().domain);
    let first = Page { page: 1, per_page: 1 };
    let total = control.zone_list(&operator, ZoneFilter::default(), first).await?.total;
    to.say(&Told::Files(total)).await?;
    let mut after = None;
    loop {
        let found = control.zone_list_after(&operator, ZoneFilter::default(), after, PER_PAGE).await?;
        let Some(last) = found.last() else { return Ok(()) };
        after = Some((last.name.clone(), last.number));
        for zone in found.iter().filter(|zone| !own(zone)) {
            one(target, zone, to).await?;
        }
    }
}

async fn one<W: AsyncWrite + Unpin + Send>(
    target: &impl Target,
    zone: &Zone,
    to: &mut Parcel<'_, W>,
) -> Result<(), Trouble> {
    let mut export = target.control()?.record_export(&Grant::operator(), zone.id).await?;
    to.say(&Told::File { name: zone.name.to_string(), id: zone.id.to_string() }).await?;
    while let Some(text) = export.next().await? {
        to.text(&text).await?;
    }
    Ok(())
}
