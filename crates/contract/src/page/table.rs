//! Tables of the page: rows that say the same of several types of records become one.

use std::collections::BTreeSet;
use std::fmt::Write;

use crate::schema::Field;

/// What is said of a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// As declared.
    Works,
    /// As declared, and the same value every time.
    Constant(String),
    /// Otherwise; how.
    Differs(String),
}

/// A row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) path: String,
    pub(super) forms: Vec<String>,
    pub(super) state: State,
}

impl State {
    pub(super) fn differs(&self) -> bool {
        matches!(self, Self::Differs(_))
    }

    fn text(&self) -> String {
        match self {
            Self::Works => "works".to_owned(),
            Self::Constant(value) => format!("always `{value}`"),
            Self::Differs(how) => format!("differs: {how}"),
        }
    }
}

impl Row {
    pub(super) fn new(field: &Field, state: State) -> Self {
        let forms = if field.form.is_empty() { Vec::new() } else { vec![field.form.clone()] };
        Self { path: field.path.clone(), forms, state }
    }

    /// The row with the item of a list written as a single result: for comparisons.
    pub(super) fn without_place(&self) -> Self {
        let path = self.path.strip_prefix("result[]").map(|rest| format!("result{rest}"));
        Self { path: path.unwrap_or_else(|| self.path.clone()), ..self.clone() }
    }
}

/// Rows of one field and state become one, in the place of the first.
pub(super) fn merged(rows: Vec<Row>) -> Vec<Row> {
    let mut merged: Vec<Row> = Vec::new();
    for row in rows {
        match merged.iter_mut().find(|known| known.path == row.path && known.state == row.state) {
            Some(known) => known.forms.extend(row.forms),
            None => merged.push(row),
        }
    }
    merged
}

/// Writes a table, or how it differs from the most similar one of those before it.
pub(super) fn write<'t>(
    text: &mut String,
    name: &str,
    column: &str,
    rows: &[Row],
    before: impl Iterator<Item = (&'t str, &'t [Row])>,
) {
    if rows.is_empty() {
        return;
    }
    let similar = before.filter_map(|(id, earlier)| Some((id, changed(rows, earlier)?)));
    match similar.min_by_key(|(_, changed)| changed.len()) {
        Some((id, changed)) if changed.is_empty() => {
            let _ = write!(text, "\n{name}: as of `{id}`.\n");
        }
        Some((id, changed)) if changed.len() * 3 < rows.len() => {
            let _ = write!(text, "\n{name}: as of `{id}`, but for:\n\n");
            write_rows(text, column, &changed, rows);
        }
        _ => {
            let _ = write!(text, "\n{name}:\n\n");
            write_rows(text, column, &rows.iter().collect::<Vec<_>>(), rows);
        }
    }
}

/// The rows that an earlier table does not have; none if it has rows about other fields.
fn changed<'r>(rows: &'r [Row], earlier: &[Row]) -> Option<Vec<&'r Row>> {
    let general: Vec<Row> = earlier.iter().map(Row::without_place).collect();
    let fields = |rows: &[Row]| rows.iter().map(|row| row.without_place().path).collect::<BTreeSet<_>>();
    let same = fields(rows) == fields(earlier);
    same.then(|| rows.iter().filter(|row| !general.contains(&row.without_place())).collect())
}

fn write_rows(text: &mut String, column: &str, rows: &[&Row], all: &[Row]) {
    let forms: BTreeSet<&String> = all.iter().flat_map(|row| &row.forms).collect();
    text.push_str(&match forms.len() {
        0 => format!("| {column} | here |\n| --- | --- |\n"),
        _ => format!("| {column} | of | here |\n| --- | --- | --- |\n"),
    });
    for row in rows {
        let (path, state) = (&row.path, row.state.text());
        let _ = match (forms.len(), row.forms.len()) {
            (0, _) => writeln!(text, "| `{path}` | {state} |"),
            (all, forms) if all == forms => writeln!(text, "| `{path}` | all | {state} |"),
            _ => writeln!(text, "| `{path}` | {} | {state} |", row.forms.join(" ")),
        };
    }
}
