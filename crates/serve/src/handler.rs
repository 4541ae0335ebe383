//! What becomes of a request, whichever way it came: bytes in, bytes out.

use std::net::IpAddr;

use waymark_wire::Request;
use waymark_zone::answer::{Circumstances, Cookie, Needs, NoSupplies, Outcome, Settings, Transport, answer};
use waymark_zone::catalog::View;

/// Answers requests. Shared by everybody who answers.
pub(crate) struct Handler {
    settings: Settings,
}

impl Handler {
    pub(crate) fn new(settings: Settings) -> Self {
        Self { settings }
    }

    /// Answers a request that came to the address `asked` into `out`.
    pub(crate) fn answer(
        &self,
        view: &View<'_>,
        request: &[u8],
        asked: IpAddr,
        transport: Transport,
        needs: &mut Needs,
        out: &mut [u8],
    ) -> Outcome {
        let circumstances = Circumstances { asked, transport, cookie: Cookie::None, keepalive: None };
        answer(view, &Request::parse(request), &circumstances, &self.settings, &NoSupplies, needs, out)
    }
}
