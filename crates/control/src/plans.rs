//! Plans: what a zone's owner has subscribed to, and the limits that come with it. One table; everything else reads it.
//!
//! Nothing is sold here: who may change a zone may give it any plan.

/// A zone's plan; limits depend on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Plan {
    /// Free.
    Free,
    /// Pro.
    Pro,
    /// Business.
    Business,
    /// Enterprise.
    Enterprise,
}

/// A row of the table: how clients know a plan, and what it allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlanTerms {
    /// The plan.
    pub plan: Plan,
    /// The id, 32 hexadecimal digits: the same in every installation, because clients have it written down.
    pub id: &'static str,
    /// The word (`legacy_id`; the `rate_plan.id` of subscriptions), which is also what the store keeps.
    pub word: &'static str,
    /// The name.
    pub name: &'static str,
    /// The smallest TTL of a record, in seconds (docs: dns/manage-dns-records/reference/ttl).
    pub ttl_min: u32,
    /// Characters of a record's comment (docs: dns/manage-dns-records/reference/record-attributes).
    pub comment_characters_max: usize,
    /// Tags of a record (the same page).
    pub tags_max: usize,
}

/// The table, from the smallest plan to the largest.
pub const PLANS: [PlanTerms; 4] = [
    PlanTerms {
        plan: Plan::Free,
        id: "0feeeeeeeeeeeeeeeeeeeeeeeeeeeeee",
        word: "free",
        name: "Free Website",
        ttl_min: 60,
        comment_characters_max: 100,
        tags_max: 0,
    },
    PlanTerms {
        plan: Plan::Pro,
        id: "1ac039f6c29b691475c3d74fe588d1ae",
        word: "pro",
        name: "Pro Website",
        ttl_min: 60,
        comment_characters_max: 500,
        tags_max: 20,
    },
    PlanTerms {
        plan: Plan::Business,
        id: "a577b510288e82b26486fd1df47000ec",
        word: "business",
        name: "Business Website",
        ttl_min: 60,
        comment_characters_max: 500,
        tags_max: 20,
    },
    PlanTerms {
        plan: Plan::Enterprise,
        id: "94f3b7b768b0458b56d2cac4fe5ec0f9",
        word: "enterprise",
        name: "Enterprise Website",
        ttl_min: 30,
        comment_characters_max: 500,
        tags_max: 20,
    },
];

impl Plan {
    /// The plan's row.
    pub fn terms(self) -> &'static PlanTerms {
        // In the order of the table; a test holds it.
        let [free, pro, business, enterprise] = &PLANS;
        match self {
            Self::Free => free,
            Self::Pro => pro,
            Self::Business => business,
            Self::Enterprise => enterprise,
        }
    }

    /// The API's word for it.
    pub fn as_str(self) -> &'static str {
        self.terms().word
    }

    /// What the API's word stands for.
    pub fn from_word(word: &str) -> Option<Self> {
        PLANS.iter().find(|terms| terms.word == word).map(|terms| terms.plan)
    }

    /// The plan with this id.
    pub fn from_id(id: &str) -> Option<Self> {
        PLANS.iter().find(|terms| terms.id == id).map(|terms| terms.plan)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::PublicId;

    #[test]
    fn every_plan_has_its_own_row() {
        for terms in &PLANS {
            assert_eq!(terms.plan.terms(), terms);
            assert_eq!(Plan::from_word(terms.plan.as_str()), Some(terms.plan));
            assert_eq!(Plan::from_id(terms.id), Some(terms.plan));
            assert!(PublicId::parse(terms.id).is_some(), "{}", terms.id);
        }
        for unknown in ["", "FREE", "Free Website", "lite", "00000000000000000000000000000000"] {
            assert_eq!((Plan::from_id(unknown), Plan::from_word(unknown)), (None, None));
        }
    }
}
