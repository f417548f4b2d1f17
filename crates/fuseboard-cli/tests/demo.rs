//! The demo is a test: it plays an outage with the real program and checks every step itself.

use std::path::Path;
use std::process::{Command, Stdio};

#[test]
fn the_demo_plays_to_its_end() {
    let scene = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../demo/exec.sh");
    let output = Command::new("bash")
        .arg(scene)
        .env("FUSEBOARD_BIN", env!("CARGO_BIN_EXE_fuseboard"))
        .stdin(Stdio::null())
        .output()
        .expect("bash can be started");
    let told = String::from_utf8_lossy(&output.stdout);
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}\n{complaints}");
    assert_eq!(complaints, "", "{told}");
    for line in [
        "$ fuseboard exec notify --cool-down 2s -- ./notify.sh \"build 4 ok\"\n",
        "  exit code 75, ",
        "The service got 'build 1 ok' and 'build 5 ok'. Two attempts failed, one was spared, no build was hurt.\n",
        "demo: everything was as it should be\n",
    ] {
        assert!(told.contains(line), "not told: {line}\n{told}");
    }
}
