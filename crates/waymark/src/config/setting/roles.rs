//! What a process does.

use toml::Value;

use super::Setting;

/// What a process does: the roles that can be together, and nothing else.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Roles {
    /// Control and edge: it keeps the zones, and answers for them.
    Both,
    /// An edge alone: it answers from its own file, and needs no store.
    Edge,
}

impl Roles {
    /// The roles by name.
    pub fn names(self) -> &'static [&'static str] {
        match self {
            Self::Both => &["control", "edge"],
            Self::Edge => &["edge"],
        }
    }
}

impl Setting for Roles {
    const KIND: &'static str = "[\"control\", \"edge\"] or [\"edge\"] (control without an edge is not there yet)";

    fn from_text(text: &str) -> Option<Self> {
        let mut names: Vec<&str> = text.split(',').map(str::trim).collect();
        names.sort_unstable();
        [Self::Both, Self::Edge].into_iter().find(|roles| roles.names() == names)
    }

    fn to_value(&self) -> Value {
        Value::Array(self.names().iter().map(|name| Value::String((*name).to_owned())).collect())
    }

    fn from_value(value: &Value) -> Option<Self> {
        let names: Option<Vec<&str>> = value.as_array()?.iter().map(Value::as_str).collect();
        Self::from_text(&names?.join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_are_those_that_are_there() {
        for (text, roles) in [
            ("control,edge", Some(Roles::Both)),
            ("edge, control", Some(Roles::Both)),
            ("edge", Some(Roles::Edge)),
            ("control", None),
            ("", None),
            ("edge,edge", None),
            ("edge,proxy", None),
        ] {
            assert_eq!(Roles::from_text(text), roles, "{text}");
        }
        for roles in [Roles::Both, Roles::Edge] {
            assert_eq!(Roles::from_value(&roles.to_value()), Some(roles));
        }
        assert_eq!(Roles::from_value(&Value::String("edge".to_owned())), None);
    }
}
