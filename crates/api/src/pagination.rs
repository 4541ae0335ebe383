//! Pages: `page` and `per_page` in, `result_info` out.
//!
//! `per_page` is clamped to the endpoint's declared range and never refused: certbot sends 1 and lexicon 100 to
//! `/zones`, which declares 5 to 50. `result_info.per_page` is the value that was applied, because octodns goes on
//! while `count == per_page`. A page past the end is empty; the SDKs stop only there.

use serde::Serialize;
use waymark_control::Page;

use crate::query::Query;

/// The declared range of an endpoint's `per_page`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PageSizes {
    minimum: u64,
    maximum: u64,
    default: u64,
}

/// Zones (`dns-api.json`, zones.list).
pub(crate) const ZONES: PageSizes = PageSizes { minimum: 5, maximum: 50, default: 20 };
/// Accounts (`dns-api.json`, accounts.list).
pub(crate) const ACCOUNTS: PageSizes = PageSizes { minimum: 5, maximum: 50, default: 20 };
/// Records (`dns-api.json`, dns.records.list).
pub(crate) const RECORDS: PageSizes = PageSizes { minimum: 1, maximum: 5_000_000, default: 100 };

/// Internal views (`dns-api.json`, dns.settings.account.views.list).
pub(crate) const DNS_VIEWS: PageSizes = PageSizes { minimum: 1, maximum: 5_000_000, default: 100 };

/// `result_info` of a list. Every member is a JSON integer; lexicon fails without `total_pages`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct ResultInfo {
    /// The page asked for, from 1.
    pub(crate) page: u64,
    /// The page size that was applied.
    pub(crate) per_page: u64,
    /// How many objects this page has.
    pub(crate) count: u64,
    /// How many objects all pages have.
    pub(crate) total_count: u64,
    /// How many pages are not empty.
    pub(crate) total_pages: u64,
}

impl PageSizes {
    /// The same range with a lower maximum; 0 changes nothing.
    pub(crate) fn at_most(self, maximum: u64) -> Self {
        let maximum = if maximum == 0 { self.maximum } else { self.maximum.min(maximum).max(self.minimum) };
        Self { maximum, default: self.default.min(maximum), ..self }
    }

    /// The page that a request asks for.
    pub(crate) fn page(self, query: &Query) -> Page {
        let per_page = query.number("per_page").unwrap_or(self.default);
        Page { page: query.number("page").unwrap_or(1).max(1), per_page: per_page.clamp(self.minimum, self.maximum) }
    }
}

impl ResultInfo {
    /// Describes a page with `count` of `total_count` objects.
    pub(crate) fn of(page: &Page, count: usize, total_count: u64) -> Self {
        Self {
            page: page.page,
            per_page: page.per_page,
            count: count as u64,
            total_count,
            total_pages: total_count.div_ceil(page.per_page.max(1)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(sizes: PageSizes, text: &str) -> (u64, u64) {
        let page = sizes.page(&Query::of(&format!("/?{text}").parse().unwrap()));
        (page.page, page.per_page)
    }

    #[test]
    fn sizes_are_clamped_and_never_refused() {
        let table = [
            ("", (1, 20)),
            ("per_page=1", (1, 5)),
            ("per_page=0", (1, 5)),
            ("per_page=-4", (1, 5)),
            ("per_page=100", (1, 50)),
            ("per_page=99999999999999999999", (1, 50)),
            ("per_page=many", (1, 20)),
            ("page=0&per_page=30", (1, 30)),
            ("page=-1", (1, 20)),
            ("page=x", (1, 20)),
            ("page=3", (3, 20)),
            ("page=18446744073709551615", (u64::MAX, 20)),
        ];
        for (text, expected) in table {
            assert_eq!(page(ZONES, text), expected, "{text}");
        }
        assert_eq!(page(RECORDS, "per_page=1"), (1, 1));
        assert_eq!(page(RECORDS, "per_page=6000000"), (1, 5_000_000));
        assert_eq!(page(RECORDS, ""), (1, 100));
    }

    #[test]
    fn a_lower_maximum_of_the_operator_holds() {
        assert_eq!(page(RECORDS.at_most(50), "per_page=5000"), (1, 50));
        assert_eq!(page(RECORDS.at_most(50), ""), (1, 50));
        assert_eq!(page(RECORDS.at_most(0), "per_page=5000"), (1, 5000));
    }

    #[test]
    fn totals() {
        let info = |total| ResultInfo::of(&Page { page: 1, per_page: 5 }, 0, total).total_pages;
        assert_eq!((info(0), info(1), info(5), info(6)), (0, 1, 1, 2));
    }
}
