//! Text that would rather not be seen.

use fuseboard_mission::scan::{AddedFile, MAX_PER_FILE, OVERLAP, PIECE, Scan};

use super::{added, ids, scan, scan_with, unbroken};

fn key() -> String {
    unbroken("AK~IAIOSFODNN7EXAMPLE")
}

#[test]
fn exempt_names_do_not_hide_secrets() {
    for path in ["tests/a.py", "Cargo.lock", "a.min.js", "vendor/x", "api/x_pb2.py", "logo.svg", "a.bin", "x"] {
        assert_eq!(ids(&scan(path, key().as_bytes())), ["aws-access-key"], "{path}");
    }
}

#[test]
fn what_blocks_is_found_behind_more_findings_than_are_counted() {
    let text = "# TODO\n".repeat(MAX_PER_FILE + 10) + &key();
    let findings = scan("a.py", text.as_bytes());
    assert!(findings.blocking_reason().unwrap().contains("aws-access-key"));
    assert_eq!(findings.total(), MAX_PER_FILE + 1);
}

#[test]
fn a_huge_line_is_looked_at_from_end_to_end() {
    for start in [0, PIECE - 10, PIECE - OVERLAP - 5, 3 * PIECE, 5 * PIECE - 20] {
        let mut line = vec![b' '; 5 * PIECE];
        line[start..start + 20].copy_from_slice(key().as_bytes());
        let findings = scan("a.json", &line);
        assert_eq!(ids(&findings), ["aws-access-key"], "{start}");
        assert_eq!(findings.kept()[0].shown, "… [aws-access-key, 20 characters] …");
    }
}

#[test]
fn utf_16_of_both_orders_is_read_with_and_without_its_mark() {
    for mark in ["\u{feff}", ""] {
        let text = format!("{mark}# clean\nk = '{}'\n# TODO ä\n", key());
        let little: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let big: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        for bytes in [little, big] {
            let findings = scan("a.py", &bytes);
            assert_eq!(ids(&findings), ["aws-access-key", "todo"]);
            assert_eq!(findings.kept()[0].line, Some(2));
        }
    }
}

#[test]
fn secrets_are_found_in_binary_files_and_nothing_else_is_looked_for() {
    let mut bytes = b"\x7fELF\0\x01\x02 TODO \0".to_vec();
    bytes.extend_from_slice(key().as_bytes());
    bytes.extend_from_slice(b"\0\xff\xfe");
    assert_eq!(ids(&scan("a.out", &bytes)), ["aws-access-key"]);
}

#[test]
fn line_ends_of_other_systems_hide_nothing() {
    assert_eq!(ids(&scan("a.js", b"debugger;\r\nx();\r\n")), ["js-debugger"]);
    assert_eq!(ids(&scan("a.py", b"x = 1\rprint(x)\ry = 2")), ["python-print"]);
}

#[test]
fn bytes_that_are_no_utf_8_hide_nothing() {
    let line = [b"\xff\xe9 ".as_slice(), key().as_bytes(), b"\xc3"].concat();
    let findings = scan("a.txt", &line);
    assert_eq!(findings.kept()[0].shown, "\u{fffd}\u{fffd} [aws-access-key, 20 characters]\u{fffd}");
}

#[test]
fn a_secret_in_a_files_name_is_found_and_not_repeated() {
    let path = format!("keys/{}.txt", key());
    let findings = scan_with(&Scan::default(), vec![AddedFile { path: path.as_ref(), lines: Vec::new() }]);
    assert_eq!(
        findings.blocking_reason().as_deref(),
        Some("1 secret: keys/[aws-access-key, 20 characters].txt (aws-access-key)")
    );
}

#[test]
fn nothing_that_is_told_holds_any_part_of_a_credential() {
    let github = unbroken("gh~p_aB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC1dE3fG5");
    let pem = unbroken("-----BEGIN PRIV~ATE KEY-----\\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC");
    let lines = [
        format!("print('{github}')  # TODO rotate {}", key()),
        format!("console.log('{}\u{1b}[0m{}')", &github[..12], &github[12..]),
        format!("password = 'qW8{}' # TODO", "eR7tY6uI5"),
        format!("key = '{pem}'"),
        format!("redis://:{}@h/0 {}", "n0tT0Be5een", "TODO ".repeat(100)),
        format!("{}{github}{}", "x ".repeat(600), " TODO".repeat(600)),
        // Cut at a piece's border.
        format!("{}{github} TODO", " ".repeat(PIECE - 12)),
    ];
    for line in &lines {
        let both = ["src/a.py", "src/a.js"].map(|path| scan(path, line.as_bytes()));
        assert!(both.iter().any(|findings| !findings.kept().is_empty()), "{line}");
        for findings in both {
            let told = format!("{} {:?} {}", findings.to_json(), findings.blocking_reason(), findings.summary());
            for canary in [&github[4..12], &github[12..], &key()[4..], "eR7tY6uI5", "MIIEvQ", "n0tT0Be5een"] {
                assert!(!told.contains(canary), "{canary} is in {told}");
            }
        }
    }
}

#[test]
fn control_characters_and_long_lines_are_not_shown() {
    let findings = scan("a.c", format!("// TODO \u{1b}[31m\u{202e}red {}", "z".repeat(500)).as_bytes());
    assert_eq!(findings.kept()[0].shown, "… TODO …");
    let findings = scan("a\u{1b}[2J.c", "// TODO \u{1b}[31mred".as_bytes());
    assert_eq!(findings.kept()[0].shown, "// TODO red");
    assert_eq!(findings.kept()[0].path, "a.c");
}

#[test]
fn the_caller_can_stop_a_scan() {
    let text = "x\n".repeat(100_000);
    let mut asked = 0;
    let stopped = Scan::default().files(
        [added("a.py", text.as_bytes())],
        |_| Ok(None),
        || {
            asked += 1;
            if asked > 3 { Err("deadline") } else { Ok(()) }
        },
    );
    assert_eq!((stopped, asked), (Err("deadline"), 4));
}
