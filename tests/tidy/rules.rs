//! The rules, as functions from text to complaints.

use super::Source;

/// Lines that a file of program code may have; a file is one idea.
const LINES_MAX: usize = 600;
/// Lines that ARCHITECTURE.md may have; a map that takes longer to read is not one.
const ARCHITECTURE_LINES_MAX: usize = 250;
/// Recipes that the task file may have.
const RECIPES_MAX: usize = 12;
/// Lines of code below which a crate counts as empty.
const CRATE_LINES_MIN: usize = 100;
/// How far above an `unsafe` its reason may stand: the attributes and the first lines of its statement lie between.
const REASON_LINES_MAX: usize = 8;

/// Whether a .gitignore of plain names and paths leaves this path out.
pub(crate) fn is_ignored(gitignore: &str, path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    gitignore.lines().map(|line| line.trim().trim_end_matches('/')).filter(|line| !line.is_empty()).any(|line| {
        match (line.strip_prefix('/'), line.strip_prefix('*')) {
            (Some(from_root), _) => path == from_root,
            (_, Some(end)) => name.ends_with(end),
            _ => name == line,
        }
    })
}

/// Whether the file is test code by its name.
pub(crate) fn is_test_file(path: &str) -> bool {
    path.starts_with("tests/")
        || path.split('/').any(|part| part == "tests" || part == "testing.rs" || part.starts_with("test_"))
        || path.ends_with("/tests.rs")
}

/// The numbered lines of a file that are program code: no comments, nothing behind `#[cfg(test)] mod x {`.
pub(crate) fn program_code(source: &Source) -> impl Iterator<Item = (usize, &str)> {
    let lines: Vec<&str> = if is_test_file(&source.path) { Vec::new() } else { source.text.lines().collect() };
    let tests = lines.windows(2).position(|pair| {
        pair[0].trim() == "#[cfg(test)]" && pair[1].trim_start().starts_with("mod ") && pair[1].ends_with('{')
    });
    let end = tests.unwrap_or(lines.len());
    lines.into_iter().take(end).enumerate().map(|(index, line)| {
        let comment = line.find("//").unwrap_or(line.len());
        (index + 1, &line[..comment])
    })
}

/// Whether a line of code names a path, or something in it. `forbidden` is one word or several with `::`; a single
/// lower-case word is a crate, and counts only at the beginning of a path.
pub(crate) fn names_path(line: &str, forbidden: &str) -> bool {
    let word = |c: char| c.is_alphanumeric() || c == '_';
    let is_crate = !forbidden.contains("::") && forbidden.starts_with(char::is_lowercase);
    line.match_indices(forbidden).any(|(at, _)| {
        let (before, after) = (&line[..at], &line[at + forbidden.len()..]);
        let begins = !before.ends_with(word) && !(is_crate && (before.ends_with("::") || before.ends_with('.')));
        // `use tokio;`, `use tokio as x`, `tokio::`; a variable or a field called `time` is none of them.
        let used = before.trim_end().ends_with("use") && !after.starts_with(word);
        let ends = if is_crate { after.starts_with("::") || used } else { !after.starts_with(word) };
        begins && ends
    })
}

/// `unsafe` outside of the modules that may have it, or without its reason.
pub(crate) fn unsafe_code(source: &Source, allowed: &[&str]) -> Vec<String> {
    if !source.is_rust() || source.path.starts_with("fuzz/") {
        return Vec::new();
    }
    let lines: Vec<&str> = source.text.lines().collect();
    let mut complaints = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        let code = &line[..line.find("//").unwrap_or(line.len())];
        let keyword = ["unsafe {", "unsafe fn", "unsafe impl", "unsafe trait", "unsafe extern", "unsafe("];
        if !keyword.iter().any(|keyword| code.contains(keyword)) || code.contains('"') {
            continue;
        }
        let place = format!("{}:{}", source.path, index + 1);
        let is_allowed = allowed
            .iter()
            .any(|module| source.path.strip_prefix(module).is_some_and(|rest| rest == ".rs" || rest.starts_with('/')));
        if !is_allowed && !is_test_file(&source.path) {
            complaints.push(format!("{place}: unsafe code may not stand here"));
        }
        let above = &lines[index.saturating_sub(REASON_LINES_MAX)..=index];
        // A signature is a promise that its doc comment states; whoever calls it gives the reason.
        let is_type = code.contains("unsafe fn(");
        if !is_type && !above.iter().any(|line| line.contains("SAFETY:") || line.contains("# Safety")) {
            complaints.push(format!("{place}: unsafe without a SAFETY comment"));
        }
    }
    complaints
}

/// A Rust file that does not open with a `//!` comment. The tests of one file are about that file.
pub(crate) fn opens_with_its_purpose(source: &Source) -> Option<String> {
    if source.path.ends_with("/tests.rs") {
        return None;
    }
    let first = source.text.lines().find(|line| !line.starts_with("#!"));
    let opens = first.is_some_and(|line| line.starts_with("//! ") && line.len() > 20);
    (source.is_rust() && !opens).then(|| format!("{} does not open with //! and what it is for", source.path))
}

/// A file of program code that has grown too long.
pub(crate) fn length(source: &Source, tables: &[&str]) -> Option<String> {
    let lines = source.text.lines().count();
    let counts = source.is_rust() && source.krate().is_some() && !is_test_file(&source.path);
    let too_long = counts && lines > LINES_MAX && !tables.contains(&source.path.as_str());
    too_long.then(|| format!("{} has {lines} lines; {LINES_MAX} are the most", source.path))
}

/// A crate in which there is next to nothing.
pub(crate) fn not_empty(krate: &str, sources: &[Source]) -> Option<String> {
    let own = sources.iter().filter(|source| source.is_rust() && source.krate() == Some(krate));
    let lines = own.flat_map(program_code).filter(|(_, line)| !line.trim().is_empty()).count();
    (lines < CRATE_LINES_MIN).then(|| format!("crates/{krate} has {lines} lines of code: it is empty"))
}

/// Absolute paths of the machine on which something was written.
pub(crate) fn machine_paths(source: &Source) -> Vec<String> {
    // Not written out, so that this file does not complain of itself.
    let roots = ["work", "root", "home", "Users"].map(|directory| format!("/{directory}"));
    let mut complaints = Vec::new();
    for (index, line) in source.text.lines().enumerate() {
        let is_path = |root: &String| {
            line.match_indices(root.as_str()).any(|(at, _)| {
                let before = line[..at].chars().next_back();
                let after = line[at + root.len()..].chars().next();
                let absolute = before.is_none_or(|c| c.is_whitespace() || "\"'`(=:,[<>|".contains(c));
                absolute && after.is_none_or(|c| !(c.is_alphanumeric() || c == '_' || c == '-'))
            })
        };
        for root in roots.iter().filter(|root| is_path(root)) {
            complaints.push(format!("{}:{}: a path of one machine: {root}", source.path, index + 1));
        }
    }
    complaints
}

/// A file of `tests/` that no `mod` of the test binary names, so that its tests never run.
pub(crate) fn is_in_the_test_binary(path: &str, main: &str) -> Option<String> {
    let name = path.strip_prefix("tests/")?.strip_suffix(".rs")?;
    let is_module = |line: &str| line.trim().trim_start_matches("pub(crate) ") == format!("mod {name};");
    let missing = !name.contains('/') && name != "main" && !main.lines().any(is_module);
    missing.then(|| format!("{path} is not a module of tests/main.rs"))
}

/// A map that has grown too long.
pub(crate) fn architecture(text: &str) -> Vec<String> {
    let lines = text.lines().count();
    let too_long = lines >= ARCHITECTURE_LINES_MAX;
    let complaint =
        too_long.then(|| format!("ARCHITECTURE.md has {lines} lines; it stays under {ARCHITECTURE_LINES_MAX}"));
    complaint.into_iter().collect()
}

/// A README without an honest table of what works.
pub(crate) fn readme(text: &str) -> Vec<String> {
    let mut lines = text.lines().skip_while(|line| !(line.starts_with('#') && line.contains("tatus")));
    let heading = lines.next();
    let rows = lines.take_while(|line| !line.starts_with('#')).filter(|line| line.starts_with('|')).count();
    // A head, a rule and at least a few capabilities.
    let complaint = match heading {
        None => Some("README.md has no heading with the word status"),
        Some(_) if rows < 5 => Some("README.md has no status table below its status heading"),
        Some(_) => None,
    };
    complaint.map(str::to_owned).into_iter().collect()
}

/// A task file with more recipes than one remembers.
pub(crate) fn task_file(text: &str) -> Vec<String> {
    let is_recipe = |line: &&str| {
        let name = line.split(':').next().unwrap_or_default();
        let plain = name.chars().all(|c| c.is_alphanumeric() || "-_ ".contains(c));
        line.contains(':') && !line.contains(":=") && !name.is_empty() && plain && !line.starts_with([' ', '\t'])
    };
    let recipes: usize = text
        .lines()
        .filter(is_recipe)
        .map(|line| line.split(':').next().map_or(0, |names| names.split_whitespace().count()))
        .sum();
    let complaint = match recipes {
        0 => Some("the task file has no recipes".to_owned()),
        count if count > RECIPES_MAX => Some(format!("the task file has {count} recipes; {RECIPES_MAX} are the most")),
        _ => None,
    };
    complaint.into_iter().collect()
}

#[cfg(test)]
mod tests;
