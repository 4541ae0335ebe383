//! API tokens: made.

use waymark_control::{Actor, Control, Grant, NewToken, Permission, Policy, PublicId, Resource};

use super::{Outcome, first_user};

pub(super) async fn create(
    control: &Control,
    user: Option<String>,
    name: String,
    account: Option<String>,
) -> Result<Outcome, String> {
    let policy = match account {
        None => Policy::everything(),
        Some(text) => {
            let id = PublicId::parse(&text).ok_or_else(|| format!("{text:?} is not the id of an account"))?;
            control.account_get(&Grant::operator(), id).await.map_err(|refusal| refusal.to_string())?;
            Policy { permissions: Permission::ALL.to_vec(), resources: vec![Resource::User, Resource::Account(id)] }
        }
    };
    let user = user.unwrap_or_else(|| first_user(control));
    let new = NewToken { user, name, policies: vec![policy], not_before: None, expires_on: None };
    let made = control.token_create(Actor::Operator, new).await.map_err(|refusal| refusal.to_string())?;
    Ok(Outcome::Token { id: made.id.to_string(), token: made.token })
}
