//! What went wrong, as clients are told: HTTP status, numeric code, text.
//!
//! One table in three parts, each a match without a wildcard arm, so that a new [`Refusal`] of control does not compile
//! until it has a code: [`Failure::report`] for what the API itself refuses, `refusal`, and below it `conflict`,
//! `invalid`, `quota` and `unavailable` for control's. The numbers are those of the error contract (`errors.md`); where
//! it only guesses, so do we. A permanent refusal is never 409, because the SDKs retry that.

use axum::http::{Method, StatusCode, Uri};
use serde::Serialize;
use waymark_control::{Conflict, Credential, Invalid, Noun, Permission, Quota, Refusal, Unavailable};
use waymark_wire::{RecordError, RecordType};

/// A path longer than this is cut where a message repeats it.
const PATH_CHARACTERS_MAX: usize = 512;
/// How long a client should wait when the installation is busy.
const BUSY_RETRY_SECONDS: u64 = 1;
/// The range of TTLs where no zone is known that would say otherwise (`dns-api.json`, `records.ttl`), in seconds.
const TTL_RANGE: (u32, u32) = (30, 86_400);

/// Why a request has no result.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Failure {
    /// Control refused.
    Refused(Refusal),
    /// No credential at all.
    NoCredentials,
    /// One header of the pair is missing: this one.
    MissingHeader(&'static str),
    /// `Authorization` holds no bearer token.
    MalformedToken,
    /// `X-Auth-Key` cannot be a key.
    MalformedKey,
    /// `X-Auth-Email` cannot be an address.
    MalformedEmail,
    /// The token that was to be verified is unknown.
    UnverifiedToken,
    /// The route is for the other scheme.
    Scheme,
    /// The caller lacks a permission and is told its name.
    Lacks {
        /// The caller's id.
        actor: String,
        /// The permission's name.
        name: &'static str,
        /// What it is needed for.
        purpose: &'static str,
    },
    /// No such path, or an identifier in it that cannot be one.
    NoRoute {
        /// The path.
        path: String,
    },
    /// The path has no such method.
    Method(Method),
    /// The body is not what the route takes; the sentence says why.
    Body(String),
    /// A member of the body has a wrong type; `pointer` names it.
    Member {
        /// The member's name.
        name: &'static str,
        /// What it must be.
        needed: &'static str,
    },
    /// `proxied` is no truth value.
    Proxied,
    /// `ttl` is no whole number.
    Ttl,
    /// `priority` is no number of 16 bits.
    Priority,
    /// The body is too large.
    BodyTooLarge {
        /// The limit.
        octets_max: u64,
    },
    /// The body did not arrive in time.
    BodyTooSlow {
        /// The limit.
        milliseconds: u64,
    },
    /// The request as a whole took too long.
    TooSlow {
        /// The limit.
        milliseconds: u64,
    },
    /// The zone file is too large.
    ZoneFileTooLarge {
        /// The limit.
        octets_max: u64,
    },
    /// The caller has asked too often.
    TooMany {
        /// Requests per window.
        limit: u64,
        /// The length of the window.
        window_seconds: u64,
        /// When the window ends.
        retry_after_seconds: u64,
    },
    /// Too many requests are in flight.
    Busy,
    /// The answer could not be made: a mistake of this program.
    Unwritable,
}

/// An element of `errors`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Reported {
    pub(crate) code: u32,
    pub(crate) message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) source: Option<Source>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) error_chain: Vec<Reported>,
}

/// Where in the request an error is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Source {
    /// A JSON pointer into the body (RFC 6901).
    pub(crate) pointer: String,
}

/// What a client is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Report {
    pub(crate) status: StatusCode,
    pub(crate) errors: Vec<Reported>,
    pub(crate) retry_after_seconds: Option<u64>,
}

/// What the texts are filled in with.
#[derive(Clone, Debug)]
pub(crate) struct Texts {
    /// The operator's name, where the original names the company or its support.
    pub(crate) brand: String,
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl Failure {
    /// A body that cannot be used, and why.
    pub(crate) fn body(why: impl Into<String>) -> Self {
        Self::Body(why.into())
    }

    /// There is nothing at this address.
    pub(crate) fn no_route(uri: &Uri) -> Self {
        Self::NoRoute { path: uri.path().chars().take(PATH_CHARACTERS_MAX).collect() }
    }

    /// What an unknown token is where a token is to be verified.
    pub(crate) fn at_verification(self) -> Self {
        match self {
            Self::Refused(Refusal::Unauthenticated(_)) => Self::UnverifiedToken,
            other => other,
        }
    }

    /// Status, code and text.
    pub(crate) fn report(&self, texts: &Texts) -> Report {
        let headers = |code, text| bad(6003, "Invalid request headers").chained(code, text);
        match self {
            Self::Refused(why) => refusal(why, texts),
            Self::NoCredentials => bad(9106, "Missing X-Auth-Key, X-Auth-Email or Authorization headers"),
            Self::MissingHeader(header) => bad(9107, format!("Missing {header} header")),
            Self::MalformedToken => headers(6111, "Invalid format for Authorization header"),
            Self::MalformedKey => headers(6103, "Invalid format for X-Auth-Key header"),
            Self::MalformedEmail => headers(6102, "Invalid format for X-Auth-Email header"),
            Self::UnverifiedToken => with(StatusCode::UNAUTHORIZED, 1000, "Invalid API Token"),
            Self::Scheme => {
                with(StatusCode::METHOD_NOT_ALLOWED, 10405, "Method not allowed for this authentication scheme")
            }
            Self::Lacks { actor, name, purpose } => {
                // certbot looks for the permission's name in this text.
                let actor = format!("com.cloudflare.api.token.{actor}");
                with(StatusCode::FORBIDDEN, 0, format!("Actor '{actor}' requires permission '{name}' to {purpose}"))
            }
            Self::NoRoute { path } => {
                let text = format!("Could not route to {path}, perhaps your object identifier is invalid?");
                with(StatusCode::NOT_FOUND, 7003, text).beside(7000, "No route for that URI")
            }
            Self::Method(method) => {
                let text = format!("Method {method} not available for that URI.");
                with(StatusCode::METHOD_NOT_ALLOWED, 7001, text)
            }
            Self::Body(why) => bad(9207, format!("Request body is invalid. {}", sentence(why))),
            Self::Member { name, needed } => {
                bad(9207, format!("Request body is invalid. {name} must be {needed}.")).at(name)
            }
            Self::Proxied => bad(9003, "Invalid 'proxied' value, must be a boolean").at("proxied"),
            Self::Ttl => ttl(TTL_RANGE.0, TTL_RANGE.1),
            Self::Priority => bad(9102, "priority is an invalid value.").at("priority"),
            Self::BodyTooLarge { octets_max } => {
                let text = format!("Request body is invalid. It must have at most {octets_max} bytes.");
                with(StatusCode::PAYLOAD_TOO_LARGE, 9207, text)
            }
            Self::BodyTooSlow { milliseconds } => {
                let text = format!("Request body is invalid. It did not arrive within {milliseconds} ms.");
                with(StatusCode::REQUEST_TIMEOUT, 9207, text)
            }
            Self::TooSlow { milliseconds } => {
                let text =
                    format!("The request was not answered within {milliseconds} ms; it may still be carried out.");
                with(StatusCode::SERVICE_UNAVAILABLE, 10013, text)
            }
            Self::ZoneFileTooLarge { octets_max } => {
                let text = format!(
                    "Request body is invalid. The zone file must have at most {octets_max} bytes; import it in parts, \
                     or let the operator import it."
                );
                with(StatusCode::PAYLOAD_TOO_LARGE, 9207, text)
            }
            Self::TooMany { limit, window_seconds, retry_after_seconds } => {
                let text = format!(
                    "More than {limit} requests per {window_seconds} seconds reached. Please wait and consider \
                     throttling your request speed"
                );
                with(StatusCode::TOO_MANY_REQUESTS, 971, text).retry_after(*retry_after_seconds)
            }
            Self::Busy => {
                with(StatusCode::SERVICE_UNAVAILABLE, 10013, "Too many requests at the same time; try again.")
                    .retry_after(BUSY_RETRY_SECONDS)
            }
            Self::Unwritable => {
                let text = "Internal error; the request may have been carried out.";
                with(StatusCode::INTERNAL_SERVER_ERROR, 10013, text)
            }
        }
    }
}

fn refusal(refusal: &Refusal, texts: &Texts) -> Report {
    match refusal {
        Refusal::NotFound(noun) => not_found(*noun),
        Refusal::Conflict(why) => conflict(why),
        Refusal::Invalid(why) => invalid(why, texts),
        Refusal::Unauthenticated(Credential::Token) => with(StatusCode::FORBIDDEN, 9109, "Invalid access token"),
        Refusal::Unauthenticated(Credential::Key) => {
            with(StatusCode::FORBIDDEN, 9103, "Unknown X-Auth-Key or X-Auth-Email")
        }
        Refusal::Denied(permission) => denied(*permission),
        Refusal::Quota(why) => quota(why, texts),
        Refusal::NotAvailable(why) => bad(9207, format!("Request body is invalid. {}", sentence(why))),
        Refusal::Unavailable(why) => unavailable(why),
    }
}

fn not_found(noun: Noun) -> Report {
    let (code, text) = match noun {
        Noun::Zone => (1001, "Invalid zone identifier"),
        Noun::Plan => (1001, "Invalid plan identifier"),
        Noun::Record => (81044, "Record does not exist."),
        Noun::Account => (1001, "Invalid account identifier"),
        Noun::Tenant => (1001, "Invalid tenant identifier"),
        Noun::User => (1001, "Invalid user identifier"),
        Noun::Token => (1001, "Invalid token identifier"),
    };
    with(StatusCode::NOT_FOUND, code, text)
}

fn denied(permission: Permission) -> Report {
    match permission {
        Permission::ZoneRead | Permission::ZoneEdit | Permission::DnsRead | Permission::DnsEdit => {
            with(StatusCode::FORBIDDEN, 10000, "Authentication error")
        }
        Permission::AccountRead | Permission::AccountEdit | Permission::UserRead | Permission::UserEdit => {
            with(StatusCode::FORBIDDEN, 9109, "Unauthorized to access requested resource")
        }
    }
}

fn conflict(conflict: &Conflict) -> Report {
    match conflict {
        Conflict::ZoneExists { name } => bad(1061, format!("{name} already exists")).at("name"),
        Conflict::AddressOrAliasExists => bad(81053, "An A, AAAA, or CNAME record with that host already exists."),
        Conflict::AliasExists => bad(81054, "A CNAME record with that host already exists."),
        Conflict::DelegationBesideAddress => {
            bad(81055, "An NS record cannot be beside the A, AAAA or CNAME records of that host.")
        }
        Conflict::DelegationExists => bad(81056, "NS records with that host already exist."),
        Conflict::RecordExists => bad(81057, "Record already exists."),
        Conflict::IdenticalRecord => bad(81058, "An identical record already exists."),
        // Users are made by the operator, whose tools do not come through here.
        Conflict::UserExists { .. } => bad(9207, sentence(&conflict.to_string())),
    }
}

fn invalid(invalid: &Invalid, texts: &Texts) -> Report {
    let told = || sentence(&invalid.to_string());
    match invalid {
        Invalid::ZoneName { .. } => bad(1002, format!("Invalid domain. {}", told())).at("name"),
        Invalid::ZoneNameReserved { .. } => {
            bad(1097, format!("This web property cannot be added to {} at this time. {}", texts.brand, told()))
                .at("name")
        }
        Invalid::RecordName { .. } => bad(9000, format!("DNS name is invalid. {}", told())).at("name"),
        Invalid::RecordType(_) => bad(9207, format!("Request body is invalid. {}", told())).at("type"),
        Invalid::Content { record_type, why } => content(*record_type, why),
        Invalid::TextTooLong { .. } | Invalid::TextsTooLong { .. } => {
            bad(9102, format!("content is an invalid value. {}", told())).at("content")
        }
        Invalid::PriorityMissing => bad(9100, "priority is a required field.").at("priority"),
        Invalid::Ttl { minimum, maximum } => ttl(*minimum, *maximum),
        Invalid::NotProxiable(_) => bad(9004, "This record type cannot be proxied.").at("proxied"),
        Invalid::RecordAttributes(_) | Invalid::TagName { .. } => bad(9301, told()).at("tags"),
        Invalid::TagValue { .. } => bad(9302, told()).at("tags"),
        Invalid::CommentTooLong { .. } => bad(9303, told()).at("comment"),
        Invalid::CommentLineBreak => bad(9304, told()).at("comment"),
        Invalid::ZoneFile { .. } => bad(9207, format!("Request body is invalid. {}", told())).at("file"),
        Invalid::Plan(_) => bad(9207, format!("Request body is invalid. {}", told())).at("plan/id"),
        Invalid::RatePlan(_) => bad(9207, format!("Request body is invalid. {}", told())).at("rate_plan/id"),
        Invalid::Email(_) | Invalid::AccountName | Invalid::ZoneStatus(_) => {
            bad(9207, format!("Request body is invalid. {}", told()))
        }
    }
}

/// Content that does not fit its type: each of the older types has a number of its own.
fn content(record_type: RecordType, why: &RecordError) -> Report {
    if let RecordError::Missing("priority") = why {
        return bad(9100, "priority is a required field.").at("priority");
    }
    match why {
        RecordError::MemberMissing(name) => {
            return bad(9101, format!("{name} is a required data field.")).at(&format!("data/{name}"));
        }
        // What is wrong with members together.
        RecordError::Member { name: "data", why } => {
            return bad(9102, format!("data is an invalid value. {}", sentence(&why.to_string()))).at("data");
        }
        RecordError::Member { name, why } => {
            let text = format!("{name} is an invalid value. {}", sentence(&why.to_string()));
            return bad(9102, text).at(&format!("data/{name}"));
        }
        _ => {}
    }
    let told = sentence(&why.to_string());
    let report = match record_type {
        RecordType::A => bad(9005, "Content for A record must be a valid IPv4 address."),
        RecordType::AAAA => bad(9006, "Content for AAAA record must be a valid IPv6 address."),
        RecordType::CNAME => bad(9007, format!("Content for CNAME record is invalid. {told}")),
        RecordType::MX | RecordType::NS => {
            bad(9009, format!("Content for {record_type} record must be a hostname. {told}"))
        }
        // Record types are numbers, so this match cannot be complete; a type without a number of its own comes here.
        _ => bad(9102, format!("content is an invalid value. {told}")),
    };
    report.at("content")
}

fn quota(quota: &Quota, texts: &Texts) -> Report {
    match quota {
        Quota::Records { .. } => bad(81045, "Record quota exceeded."),
        Quota::RecordsOfFile { .. } => bad(81045, format!("Record quota exceeded. {}", sentence(&quota.to_string()))),
        Quota::RRset { .. } => {
            bad(81045, format!("Record quota exceeded. {}", sentence(&quota.to_string()))).at("content")
        }
        Quota::Tags { count, limit } => {
            bad(9300, format!("DNS record has {count} tags, exceeding the quota of {limit}.")).at("tags")
        }
        Quota::NameserverPairs => {
            let brand = &texts.brand;
            let text = format!("This zone cannot be added to {brand} at this time, please contact {brand} Support.");
            bad(1093, text)
        }
    }
}

fn unavailable(unavailable: &Unavailable) -> Report {
    let later = || with(StatusCode::SERVICE_UNAVAILABLE, 10013, sentence(&unavailable.to_string()));
    match unavailable {
        Unavailable::Busy | Unavailable::Exports => later().retry_after(BUSY_RETRY_SECONDS),
        Unavailable::DiskFull | Unavailable::Locked | Unavailable::Closed => later(),
        // What the store reports goes to the log, not to clients.
        Unavailable::Store(_) | Unavailable::Internal => internal(),
    }
}

fn internal() -> Report {
    with(StatusCode::INTERNAL_SERVER_ERROR, 10013, "Internal error; nothing was changed.")
}

fn ttl(minimum: u32, maximum: u32) -> Report {
    let text = format!("Invalid TTL. Must be between {minimum} and {maximum} seconds, or 1 for Automatic.");
    bad(9021, text).at("ttl")
}

fn bad(code: u32, message: impl Into<String>) -> Report {
    with(StatusCode::BAD_REQUEST, code, message)
}

fn with(status: StatusCode, code: u32, message: impl Into<String>) -> Report {
    Report { status, errors: vec![Reported::new(code, message)], retry_after_seconds: None }
}

/// Control's words as a sentence. A domain name at its beginning stays as it is.
fn sentence(text: &str) -> String {
    let end = if text.ends_with('.') { "" } else { "." };
    if text.split(' ').next().is_some_and(|word| word.contains(['.', '@'])) {
        return format!("{text}{end}");
    }
    let mut characters = text.chars();
    let first = characters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}{end}", characters.as_str())
}

impl Reported {
    fn new(code: u32, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), source: None, error_chain: Vec::new() }
    }
}

impl Report {
    /// The code of its first error.
    pub(crate) fn code(&self) -> Option<u32> {
        self.errors.first().map(|error| error.code)
    }

    fn at(mut self, member: &str) -> Self {
        for error in &mut self.errors {
            error.source = Some(Source { pointer: format!("/{member}") });
        }
        self
    }

    fn chained(mut self, code: u32, message: &str) -> Self {
        for error in &mut self.errors {
            error.error_chain.push(Reported::new(code, message));
        }
        self
    }

    fn beside(mut self, code: u32, message: &str) -> Self {
        self.errors.push(Reported::new(code, message));
        self
    }

    fn retry_after(self, seconds: u64) -> Self {
        Self { retry_after_seconds: Some(seconds), ..self }
    }
}

#[cfg(test)]
mod tests;
