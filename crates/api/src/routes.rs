//! Routes: the table of all of them, and the one way that every request takes to its handler.
//!
//! A [`Route`] is made by one constructor that takes the permission it needs and the audit action it writes, so that a
//! route without them does not compile. Everything that is the same for all routes happens in [`Api::admit`], before a
//! handler runs. Handlers are in the files of their resources.

mod table;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::extract::rejection::RawPathParamsRejection;
use axum::extract::{RawPathParams, Request, State};
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderMap, HeaderValue, Method, Response};
use axum::routing::{MethodFilter, on};
use serde_json::{Map, Value};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use waymark_control::{Action, Clock, Control, Grant, Owner, Permission, PublicId, TokenStatus};

use crate::answer::{Budget, Full, Held, Place};
use crate::authentication::Credentials;
use crate::body::{self, Bounds};
use crate::envelope::{self, Reply};
use crate::errors::{Failure, Texts};
use crate::form::{self, Form};
use crate::query::Query;
use crate::rate::{IMPORTS_WINDOW_SECONDS, REQUESTS_WINDOW_SECONDS, RateTable, Standing};
use crate::ray::{self, Rays};
use crate::{ApiOptions, BASE_PATH, Limits};

pub(crate) use table::all;

/// What a caller must be allowed to do.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Access {
    /// Any credential that holds; control shows each caller what is his.
    AnyCredential,
    /// A token, even one that is not valid now: the route says what it is.
    OwnToken,
    /// One of these permissions.
    AnyOf(&'static [Permission]),
    /// One of these permissions; who lacks them is told the name of what he lacks, because certbot looks for it.
    Named {
        /// The permissions.
        any_of: &'static [Permission],
        /// The name that the refusal gives.
        name: &'static str,
        /// What the refusal says it is for.
        purpose: &'static str,
    },
}

/// What a route leaves in the audit log.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Audit {
    /// Nothing: it only reads.
    Reads,
    /// One entry with this action, written by control in the same transaction as the change.
    Writes(Action),
}

type Handling = Pin<Box<dyn Future<Output = Result<Reply, Failure>> + Send>>;

/// A route.
pub(crate) struct Route {
    method: Method,
    template: &'static str,
    access: Access,
    audit: Audit,
    handler: Box<dyn Fn(Call) -> Handling + Send + Sync>,
}

/// What a handler is given: an admitted request.
pub(crate) struct Call {
    /// The rules and the store.
    pub(crate) control: Control,
    /// The query string.
    pub(crate) query: Query,
    /// The limits of the API.
    pub(crate) limits: Limits,
    /// What all requests share beside the control plane.
    pub(crate) shared: Arc<Shared>,
    caller: Caller,
    identifiers: Vec<PublicId>,
    content_type: Option<HeaderValue>,
    body: Vec<u8>,
}

/// What handlers share.
pub(crate) struct Shared {
    /// How refusals are put into words.
    pub(crate) texts: Texts,
    /// The time.
    pub(crate) clock: Arc<dyn Clock>,
    /// Imports of each user; none if they are not limited.
    imports: Option<RateTable>,
}

/// Who is asking.
enum Caller {
    /// Somebody who may do what the route does to something, not yet to everything.
    Granted(Grant),
    /// A token that asks about itself.
    Verified(TokenStatus),
}

impl Route {
    /// A route of the API. `template` is the path below the base path, without a slash at the end.
    pub(crate) fn new<F>(
        method: Method,
        template: &'static str,
        access: Access,
        audit: Audit,
        handler: impl Fn(Call) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Result<Reply, Failure>> + Send + 'static,
    {
        Self { method, template, access, audit, handler: Box::new(move |call| Box::pin(handler(call))) }
    }

    /// The method, upper case.
    pub(crate) fn method(&'static self) -> &'static str {
        self.method.as_str()
    }

    /// The path below the base path.
    pub(crate) fn template(&self) -> &'static str {
        self.template
    }

    /// What it leaves in the audit log, as the log writes it.
    pub(crate) fn action(&self) -> Option<&'static str> {
        match self.audit {
            Audit::Reads => None,
            Audit::Writes(action) => Some(action.as_str()),
        }
    }
}

impl Call {
    /// What the caller may do. A route with [`Access::OwnToken`] has none.
    pub(crate) fn grant(&self) -> Result<&Grant, Failure> {
        match &self.caller {
            Caller::Granted(grant) => Ok(grant),
            Caller::Verified(_) => Err(Failure::Unwritable),
        }
    }

    /// The token that asks about itself, on a route with [`Access::OwnToken`].
    pub(crate) fn verified(&self) -> Result<&TokenStatus, Failure> {
        match &self.caller {
            Caller::Verified(status) => Ok(status),
            Caller::Granted(_) => Err(Failure::Unwritable),
        }
    }

    /// The path's identifier number `index`, from the left.
    pub(crate) fn identifier(&self, index: usize) -> Result<PublicId, Failure> {
        // A handler that asks for more than its template has is our own mistake.
        self.identifiers.get(index).copied().ok_or(Failure::Unwritable)
    }

    /// The body as a JSON object.
    pub(crate) fn members(&self) -> Result<Map<String, Value>, Failure> {
        body::object(&self.body, self.limits.body_depth_max)
    }

    /// The fields of the body, a form. `octets_max` bounds each field; see [`form::fields`].
    pub(crate) async fn form(&self, octets_max: u64) -> Result<Form, Failure> {
        let content_type = self.content_type.as_ref().and_then(|value| value.to_str().ok());
        form::fields(content_type, &self.body, octets_max).await
    }

    /// Counts an import of the caller's user; one too many is refused.
    pub(crate) fn count_import(&self) -> Result<(), Failure> {
        let Some(imports) = &self.shared.imports else { return Ok(()) };
        let user = match self.grant()?.owner() {
            Owner::User { id, .. } => id,
            Owner::Operator => return Ok(()),
        };
        imports.count(spread(user), self.shared.clock.now().unix_seconds()).verdict()
    }
}

/// What all requests share.
struct Api {
    control: Control,
    options: ApiOptions,
    shared: Arc<Shared>,
    rays: Rays,
    rates: Option<RateTable>,
    in_flight: Option<Arc<Semaphore>>,
    answers: Budget,
}

/// A request on its way, and what its answer must carry whatever becomes of it.
struct Passage {
    route: Option<usize>,
    standing: Option<Standing>,
    outcome: Result<(Reply, Held), Failure>,
}

/// The variable parts of a path, if they can be decoded.
type Parameters = Result<RawPathParams, RawPathParamsRejection>;

/// Every variable part of a path is an identifier.
fn identifiers(parameters: &Parameters) -> Option<Vec<PublicId>> {
    parameters.as_ref().ok()?.iter().map(|(_, text)| PublicId::parse(text)).collect()
}

/// See [`crate::router`].
pub(crate) fn router(control: Control, options: ApiOptions) -> axum::Router {
    let api = Arc::new(Api::new(control, options));
    let mut router = axum::Router::new();
    for (index, route) in all().iter().enumerate() {
        let Ok(filter) = MethodFilter::try_from(route.method.clone()) else { continue };
        for slash in ["", "/"] {
            let handler = move |State(api): State<Arc<Api>>, parameters: Parameters, request: Request| async move {
                api.route(index, parameters, request).await
            };
            router = router.route(&format!("{BASE_PATH}{}{slash}", route.template), on(filter, handler));
        }
    }
    let wrong_method = |State(api): State<Arc<Api>>, request: Request| async move {
        api.refuse(&request, Failure::Method(request.method().clone()))
    };
    let no_route = |State(api): State<Arc<Api>>, request: Request| async move {
        api.refuse(&request, Failure::no_route(request.uri()))
    };
    router.method_not_allowed_fallback(wrong_method).fallback(no_route).with_state(api)
}

impl Api {
    fn new(control: Control, options: ApiOptions) -> Self {
        let mut seed = [0; 8];
        options.random.fill(&mut seed);
        let permits = usize::try_from(options.limits.requests_in_flight_max).unwrap_or(usize::MAX);
        Self {
            control,
            shared: Arc::new(Shared {
                texts: Texts { brand: options.brand.clone() },
                clock: Arc::clone(&options.clock),
                imports: RateTable::new(options.limits.imports_per_minute, IMPORTS_WINDOW_SECONDS),
            }),
            rays: Rays::new(u64::from_be_bytes(seed), &options.ray_site),
            rates: RateTable::new(options.limits.requests_per_5_minutes, REQUESTS_WINDOW_SECONDS),
            in_flight: (permits > 0).then(|| Arc::new(Semaphore::new(permits.min(Semaphore::MAX_PERMITS)))),
            answers: Budget::new(options.limits.answer_octets_max),
            options,
        }
    }

    /// Answers a request that met the route with this index.
    async fn route(&self, index: usize, parameters: Parameters, request: Request) -> Response<Body> {
        let began = Instant::now();
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let mut standing = None;
        let work = self.handle(&all()[index], parameters, request, &mut standing);
        let outcome = match self.options.limits.request_ms {
            0 => work.await,
            milliseconds => tokio::time::timeout(Duration::from_millis(milliseconds), work)
                .await
                .unwrap_or(Err(Failure::TooSlow { milliseconds })),
        };
        self.finish(&method, &path, began, Passage { route: Some(index), standing, outcome })
    }

    /// Answers a request that met no route.
    fn refuse(&self, request: &Request, failure: Failure) -> Response<Body> {
        let passage = Passage { route: None, standing: None, outcome: Err(failure) };
        self.finish(request.method(), request.uri().path(), Instant::now(), passage)
    }

    async fn handle(
        &self,
        route: &Route,
        parameters: Parameters,
        request: Request,
        standing: &mut Option<Standing>,
    ) -> Result<(Reply, Held), Failure> {
        let in_flight = self.options.statistics.enter();
        let identifiers = identifiers(&parameters).ok_or_else(|| Failure::no_route(request.uri()))?;
        let place = Place::new(self.permit()?, in_flight);
        let (head, body) = request.into_parts();
        let caller = self.admit(route.access, &head.headers, standing).await?;
        let limits = self.options.limits;
        let bounds = Bounds { octets_max: limits.body_octets_max, receive_ms: limits.body_receive_ms };
        let body = body::receive(body, bounds).await?;
        let call = Call {
            control: self.control.clone(),
            query: Query::of(&head.uri),
            limits,
            shared: Arc::clone(&self.shared),
            caller,
            identifiers,
            content_type: head.headers.get(CONTENT_TYPE).cloned(),
            body,
        };
        let reply = (route.handler)(call).await?;
        let octets = match (self.answers.take(reply.octets()), route.audit) {
            (Ok(octets), _) => octets,
            (Err(Full), Audit::Reads) => return Err(self.busy()),
            // It has been done: who asked must hear of it, or would ask again.
            (Err(Full), Audit::Writes(_)) => None,
        };
        Ok((reply, Held::new(place, octets)))
    }

    fn permit(&self) -> Result<Option<OwnedSemaphorePermit>, Failure> {
        let permit = self.in_flight.as_ref().map(|places| Arc::clone(places).try_acquire_owned());
        permit.transpose().map_err(|_| self.busy())
    }

    fn busy(&self) -> Failure {
        self.options.statistics.count_busy();
        Failure::Busy
    }

    /// Who is asking, whether he has asked too often, and whether he may do this at all.
    async fn admit(
        &self,
        access: Access,
        headers: &HeaderMap,
        standing: &mut Option<Standing>,
    ) -> Result<Caller, Failure> {
        let caller = match (Credentials::read(headers)?, access) {
            (Credentials::Key { .. }, Access::OwnToken) => return Err(Failure::Scheme),
            (Credentials::Token(token), Access::OwnToken) => {
                let status = self.control.token_verify(token).await;
                Caller::Verified(status.map_err(|why| Failure::from(why).at_verification())?)
            }
            (Credentials::Key { email, key }, _) => Caller::Granted(self.control.authenticate_key(email, key).await?),
            (Credentials::Token(token), _) => Caller::Granted(self.control.authenticate_token(token).await?),
        };
        if let Some(rates) = &self.rates {
            let counted = rates.count(caller.rate_key(), self.options.clock.now().unix_seconds());
            *standing = Some(counted);
            counted.verdict().inspect_err(|_| self.options.statistics.count_rate_limited())?;
        }
        if let Caller::Granted(grant) = &caller {
            access.check(grant)?;
        }
        Ok(caller)
    }

    /// Writes the answer, counts it and logs it.
    fn finish(&self, method: &Method, path: &str, began: Instant, passage: Passage) -> Response<Body> {
        let Passage { route, standing, outcome } = passage;
        let mut response = match outcome {
            Ok((reply, held)) => reply.into_response(held),
            Err(failure) => self.failed(&failure),
        };
        let ray = self.rays.next();
        response.headers_mut().insert(ray::CF_RAY, ray::header(&ray));
        if let Some(standing) = standing {
            standing.write(response.headers_mut());
        }
        let (status, took) = (response.status().as_u16(), began.elapsed());
        self.options.statistics.count(route, status, took);
        let (action, microseconds) = (route.and_then(|index| all()[index].action()), took.as_micros() as u64);
        tracing::debug!(%ray, %method, path, action, status, microseconds, "answered");
        response
    }

    fn failed(&self, failure: &Failure) -> Response<Body> {
        let report = failure.report(&self.shared.texts);
        if report.status.is_server_error() {
            tracing::warn!(status = report.status.as_u16(), ?failure, "a request could not be answered");
        }
        let mut response = envelope::failed(report.status, &report.errors);
        if let Some(seconds) = report.retry_after_seconds {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

impl Caller {
    fn rate_key(&self) -> u64 {
        let id = match self {
            Self::Verified(status) => status.id,
            Self::Granted(grant) => match (grant.token(), grant.owner()) {
                (Some(id), _) | (None, Owner::User { id, .. }) => id,
                // The operator's tools do not come through here.
                (None, Owner::Operator) => PublicId([0; 16]),
            },
        };
        spread(id)
    }
}

/// Some bits of an id. Public ids are random, so any of them will do.
fn spread(id: PublicId) -> u64 {
    let [a, b, c, d, e, f, g, h, ..] = id.0;
    u64::from_be_bytes([a, b, c, d, e, f, g, h])
}

impl Access {
    fn check(self, grant: &Grant) -> Result<(), Failure> {
        let (any_of, named) = match self {
            Self::AnyCredential | Self::OwnToken => return Ok(()),
            Self::AnyOf(any_of) => (any_of, None),
            Self::Named { any_of, name, purpose } => (any_of, Some((name, purpose))),
        };
        let mut refusal = None;
        for permission in any_of {
            match grant.require(*permission) {
                Ok(()) => return Ok(()),
                Err(why) => refusal = refusal.or(Some(why)),
            }
        }
        Err(match (named, refusal) {
            (Some((name, purpose)), _) => {
                let actor = grant.token().map(|id| id.to_string()).unwrap_or_default();
                Failure::Lacks { actor, name, purpose }
            }
            (None, Some(why)) => why.into(),
            (None, None) => Failure::Unwritable,
        })
    }
}

#[cfg(test)]
mod tests;
