//! `provider-agent doctor`, as it is run.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

fn doctor(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_provider-agent"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env_remove("QUORATE_LOG")
        .arg("doctor")
        .args(args)
        .output()
        .unwrap()
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[test]
fn steady_cards_are_well_and_called_simulated() {
    let output = doctor(&["--scenario", "scenarios/steady.toml"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let text = out(&output);
    assert!(text.contains("SIMULATED"), "{text}");
    assert_eq!(text.matches("well").count(), 8, "{text}");
}

/// A scenario in which something is wrong from the beginning.
fn broken(folder: &Path) -> String {
    let path = folder.join("broken.toml");
    let scenario = "seed = \"s\"\n[[card]]\nname = \"NVIDIA L4\"\nmemory_mib = 23034\ncount = 2\n\
                    [[event]]\ncard = 1\nwhat = \"hot\"\ncelsius = 95\n\
                    [[event]]\ncard = 1\nwhat = \"xid\"\nxid = 48\n";
    std::fs::write(&path, scenario).unwrap();
    path.display().to_string()
}

#[test]
fn what_is_wrong_is_named_and_is_the_exit_status() {
    let folder = tempfile::tempdir().unwrap();
    let output = doctor(&["--scenario", &broken(folder.path())]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let text = out(&output);
    assert!(
        text.contains("xid 48") && text.contains("too hot from 89 C on"),
        "{text}"
    );
    assert_eq!(text.matches("well").count(), 1, "{text}");
}

#[test]
fn json_holds_the_values_and_the_codes_of_the_reasons() {
    let folder = tempfile::tempdir().unwrap();
    let output = doctor(&["--json", "--scenario", &broken(folder.path())]);
    let json: Value = serde_json::from_str(&out(&output)).unwrap();
    assert_eq!(json["simulated"], true);
    assert_eq!(json["faults"][0]["code"], 4);
    let card = &json["cards"][1];
    assert_eq!((&card["celsius"], &card["model"]), (&95.into(), &40.into()));
    assert_eq!(card["xids"][0], 48);
    let codes: Vec<_> = card["faults"]
        .as_array()
        .unwrap()
        .iter()
        .map(|fault| fault["code"].as_u64().unwrap())
        .collect();
    assert_eq!(codes, [10, 16, 17]);
    assert_eq!(json["cards"][0]["faults"], Value::Array(vec![]));
}

#[test]
fn a_machine_without_the_driver_gets_a_clear_refusal() {
    let output = doctor(&["--library", "/nowhere/libnvidia-ml.so.1"]);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert!(output.stdout.is_empty());
    let text = String::from_utf8(output.stderr).unwrap();
    for part in [
        "error: no NVIDIA driver library",
        "/nowhere/libnvidia-ml.so.1",
        "nvidia-smi",
    ] {
        assert!(text.contains(part), "{part:?} not in {text}");
    }
}

#[test]
fn a_scenario_that_cannot_be_read_is_named() {
    let output = doctor(&["--scenario", "scenarios/none.toml"]);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert!(
        String::from_utf8(output.stderr)
            .unwrap()
            .contains("scenarios/none.toml")
    );
}

/// A configuration as `init` writes it, with simulated cards, a chain that is down, and these lines at its
/// top.
fn configured(folder: &Path, lines: &str) -> String {
    use std::os::unix::fs::PermissionsExt as _;
    let [config, password] = ["provider-agent.toml", "password"].map(|name| folder.join(name));
    std::fs::write(&password, "a password of these tests").unwrap();
    std::fs::set_permissions(&password, std::fs::Permissions::from_mode(0o600)).unwrap();
    let made = Command::new(env!("CARGO_BIN_EXE_provider-agent"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(["init", "--host", "localhost"])
        .args(["--scenario", "scenarios/steady.toml"])
        .arg("--password-file")
        .arg(&password)
        .arg("--out")
        .arg(&config)
        .arg("--data")
        .arg(folder.join("data"))
        .output()
        .unwrap();
    assert!(made.status.success(), "{made:?}");
    let text = std::fs::read_to_string(&config).unwrap();
    let text = text.replace("https://l2.example", "http://127.0.0.1:1");
    std::fs::write(&config, format!("{lines}{text}")).unwrap();
    config.display().to_string()
}

/// What was found of the aggregator.
fn of_the_aggregator(lines: &str) -> Value {
    let folder = tempfile::tempdir().unwrap();
    let config = configured(folder.path(), lines);
    let output = doctor(&["--json", "--config", &config]);
    let json: Value = serde_json::from_str(&out(&output)).unwrap();
    let mut checks = json["checks"].as_array().unwrap().iter();
    let found = checks.find(|check| check["check"] == "aggregator 127.0.0.1");
    found.unwrap_or(&Value::Null).clone()
}

#[test]
fn an_aggregator_that_is_down_is_a_warning() {
    let found = of_the_aggregator("aggregators = [\"http://127.0.0.1:1\"]\n");
    assert_eq!(found["result"], "ok", "{found}");
    assert!(
        found["seen"].as_str().unwrap().starts_with("WARNING"),
        "{found}"
    );
}

#[test]
fn roots_that_do_not_load_are_a_fault() {
    let found = of_the_aggregator(
        "aggregators = [\"https://127.0.0.1:1\"]\naggregator_roots = \"/nowhere/roots.pem\"\n",
    );
    assert_eq!(found["result"], "failed", "{found}");
    let why = found["why"].as_str().unwrap();
    assert!(why.contains("/nowhere/roots.pem"), "{found}");
}
