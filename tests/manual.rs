//! Help, manual pages, completions, and what `dist` has: made from the program, and kept in step with it.

use std::process::Command;

use clap::CommandFactory;
use waymark::cli::Cli;

use crate::harness::Scratch;
use crate::harness::program::run;
use crate::tidy::root;

fn told(arguments: &[&str]) -> String {
    let directory = Scratch::new();
    let output = run(directory.path(), arguments);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn check(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).env("MANROFFSEQ", "").output();
    let output = output.unwrap_or_else(|why| panic!("{program}: {why} (bash tools/packages installs it)"));
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    assert!(output.status.success(), "{program} {arguments:?}: {said}");
    said
}

#[test]
fn the_help_of_every_command_is_enough() {
    let mut command = Cli::command();
    command.build();
    for group in command.get_subcommands().filter(|inner| inner.get_name() != "help") {
        let name = group.get_name();
        let help = told(&[name, "--help"]);
        let simple = ["status", "recover"].contains(&name);
        assert!(simple || help.contains("waymark ") && group.get_after_help().is_some(), "{name} has no example");
        for inner in group.get_subcommands().filter(|inner| inner.get_name() != "help") {
            let help = told(&[name, inner.get_name(), "--help"]);
            assert!(inner.get_about().is_some() && help.contains("Usage: waymark"), "{name} {}", inner.get_name());
            for argument in inner.get_arguments().filter(|argument| !argument.is_hide_set()) {
                let id = argument.get_id();
                assert!(argument.get_help().is_some(), "{name} {}: {id} is not explained", inner.get_name());
            }
        }
    }
}

#[test]
fn manual_pages_are_made_of_every_command_and_are_well_formed() {
    let directory = Scratch::new();
    let pages = directory.join("man1");
    told(&["man", &pages.to_string_lossy()]);
    let mut names = Vec::new();
    for entry in std::fs::read_dir(&pages).unwrap() {
        let path = entry.unwrap().path();
        let page = path.to_string_lossy().into_owned();
        let said = check("man", &["--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z", &page]);
        assert!(!said.contains("warning"), "{page}: {said}");
        names.push(path.file_name().unwrap().to_string_lossy().into_owned());
    }
    for name in ["waymark.1", "waymark-zone.1", "waymark-zone-import.1", "waymark-address-up.1"] {
        assert!(names.iter().any(|own| own == name), "{name} is missing: {names:?}");
    }
    assert!(told(&["man"]).contains(".TH waymark 1"));
}

#[test]
fn completions_are_made_and_bash_understands_its_own() {
    let directory = Scratch::new();
    for (shell, part) in
        [("bash", "complete -F _waymark"), ("zsh", "#compdef waymark"), ("fish", "complete -c waymark")]
    {
        let text = told(&["completions", shell]);
        assert!(text.contains(part) && text.contains("zone"), "{shell}");
        std::fs::write(directory.join(shell), text).unwrap();
    }
    let script = directory.join("bash").to_string_lossy().into_owned();
    check("bash", &["-n", &script]);
    let asked = format!(
        ". {script}; COMP_WORDS=(waymark zone im); COMP_CWORD=2; _waymark waymark im zone; echo ${{COMPREPLY[*]}}"
    );
    assert_eq!(check("bash", &["-c", &asked]).trim(), "import");
}

#[test]
fn the_example_configuration_is_what_the_program_prints() {
    let kept = std::fs::read_to_string(root().join("dist/waymark.toml")).unwrap();
    assert_eq!(kept, told(&["config", "show"]), "waymark config show > dist/waymark.toml");
}

#[test]
fn the_unit_is_one_that_systemd_takes() {
    let directory = Scratch::new();
    // The program is where the unit says on the machine that it is for; here it need only be somewhere.
    let unit = std::fs::read_to_string(root().join("dist/waymark.service")).unwrap();
    let unit = unit.replace("/usr/local/bin/waymark", crate::harness::program::binary());
    let unit = unit.replace("Documentation=man:waymark(1)\n", "");
    let path = directory.join("waymark.service");
    std::fs::write(&path, &unit).unwrap();
    let said = check("systemd-analyze", &["verify", "--man=no", &path.to_string_lossy()]);
    assert!(!said.contains("waymark.service"), "{said}");
    for line in unit.lines().filter(|line| line.starts_with("ExecStart=")) {
        let arguments: Vec<&str> = line.split_whitespace().skip(1).collect();
        Cli::command().try_get_matches_from([&["waymark"], &arguments[..]].concat()).expect("a command line of ours");
    }
}

#[test]
fn the_container_file_names_what_there_is() {
    let text = std::fs::read_to_string(root().join("dist/Containerfile")).unwrap();
    let variables = text.split_whitespace().filter_map(|word| word.split_once('=')).map(|(name, _)| name);
    let variables: Vec<&str> = variables.filter(|name| name.starts_with("WAYMARK_")).collect();
    assert_eq!(variables.len(), 3);
    for variable in variables {
        let known = waymark::config::KEYS.iter().any(|key| key.variable() == variable);
        assert!(known, "{variable} sets nothing");
    }
    assert!(text.contains("\nUSER waymark\n"), "it does not run as root");
}
