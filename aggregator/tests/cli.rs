//! The command line: exit codes, help, and a doctor that names what fails.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::{Child, Command, Output, Stdio},
};

fn aggregator(args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_aggregator"));
    // Variables of whoever runs the tests are no configuration here.
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("QUORATE_")) {
        command.env_remove(name);
    }
    command.args(args).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A configuration for a network that nobody runs.
fn config(folder: &Path) -> String {
    let data = folder.join("data");
    let (keystore, password) = (folder.join("key.json"), folder.join("password"));
    fs::write(&password, "secret\n").unwrap();
    fs::set_permissions(&password, fs::Permissions::from_mode(0o600)).unwrap();
    format!(
        r#"
network = "devnet"
data = "{}"
grpc = {{ listen = "127.0.0.1:0" }}
http = {{ listen = "127.0.0.1:0" }}
[l1]
urls = ["http://127.0.0.1:9"]
chain_id = 1
[l2]
urls = ["http://127.0.0.1:9"]
chain_id = 2
[contracts]
rounds = "0x0000000000000000000000000000000000000003"
service_manager = "0x0000000000000000000000000000000000000001"
slasher = "0x0000000000000000000000000000000000000002"
[key]
keystore = "{}"
password = {{ file = "{}" }}
[beacon]
chain = "quicknet"
relays = ["http://127.0.0.1:9"]
"#,
        data.display(),
        keystore.display(),
        password.display(),
    )
}

fn write(folder: &Path, text: &str) -> String {
    let path = folder.join("aggregator.toml");
    fs::write(&path, text).unwrap();
    path.display().to_string()
}

/// A process that does not outlive its test.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        // An error means that it has ended already.
        drop(self.0.kill());
    }
}

#[test]
fn help_lists_commands_and_exit_codes() {
    let help = text(&aggregator(&["--help"]).stdout);
    for words in [
        "run",
        "doctor",
        "completions",
        "--config",
        "--log-json",
        "Exit codes: 0",
    ] {
        assert!(help.contains(words), "{words} not in\n{help}");
    }
}

#[test]
fn a_missing_configuration_is_exit_2() {
    let output = aggregator(&["--config", "/nowhere/aggregator.toml", "run"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("/nowhere/aggregator.toml"));
}

#[test]
fn a_typo_is_exit_2_and_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = write(
        folder.path(),
        &config(folder.path()).replace("slasher", "slaher"),
    );
    let output = aggregator(&["--config", &path, "run"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        text(&output.stderr).contains("slaher"),
        "{}",
        text(&output.stderr)
    );
}

#[test]
fn the_doctor_names_what_fails() {
    let folder = tempfile::tempdir().unwrap();
    let path = write(folder.path(), &config(folder.path()));
    let output = aggregator(&["--config", &path, "doctor"]);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    let table = text(&output.stdout);
    for words in [
        "key",
        "L1",
        "L2",
        "FAILED",
        "check l1.urls",
        "skipped",
        "Health",
        "Machines",
        "Escrow",
        "database",
        "not there yet",
    ] {
        assert!(table.contains(words), "{words} not in\n{table}");
    }
    let json = text(&aggregator(&["--config", &path, "doctor", "--json"]).stdout);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["findings"][2]["check"], "L1");
    assert_eq!(json["findings"][2]["result"], "failed");
}

#[test]
fn without_its_chains_it_starts_says_where_it_listens_and_ends_on_sigterm() {
    use std::io::{BufRead as _, BufReader, Read as _, Write as _};
    let folder = tempfile::tempdir().unwrap();
    // The least cost: a keystore that opens at once.
    let key = quorate_keys::ecdsa::SecretKey::generate().unwrap();
    let kdf = quorate_keys::Kdf::Scrypt { n: 2, r: 1, p: 1 };
    let password = quorate_keys::Password::new("secret".into());
    let text = config(folder.path());
    quorate_keys::ecdsa::Keystore::encrypt(&key, &password, kdf)
        .unwrap()
        .write_new(&folder.path().join("key.json"))
        .unwrap();
    let path = write(folder.path(), &text);
    let child = Command::new(env!("CARGO_BIN_EXE_aggregator"))
        .args(["--config", &path, "run"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut child = Killed(child);
    let mut line = String::new();
    BufReader::new(child.0.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    let addresses: serde_json::Value = serde_json::from_str(&line).unwrap();
    let http = addresses["http"].as_str().unwrap().to_owned();

    let ask = |path: &str| {
        let mut stream = std::net::TcpStream::connect(&http).unwrap();
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    };
    assert!(ask("/healthz").contains(" 200 "));
    let ready = ask("/readyz");
    assert!(
        ready.contains(" 503 ") && ready.contains("\"l1\""),
        "{ready}"
    );
    assert!(ask("/status").contains("\"ready\":false"));

    let pid = nix::unistd::Pid::from_raw(i32::try_from(child.0.id()).unwrap());
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM).unwrap();
    assert_eq!(child.0.wait().unwrap().code(), Some(0));
}
