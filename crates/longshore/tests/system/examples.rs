//! The files in `examples/`: tried out with `longshore try`, shown by the guides, and their reports
//! made by the shell that they run.

use std::path::{Path, PathBuf};

use longshore_emulators::webhook_sink::{Config, Recording, WebhookSink};
use serde_json::{Value, json};
use tokio::process::Command;
use tokio::time::timeout;

use crate::api::Api;
use crate::server::{CLIENT_SECRET, Ended, Home, SOON};

fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../examples")
        .join(name)
}

fn text(name: &str) -> String {
    std::fs::read_to_string(example(name)).unwrap()
}

/// `longshore try` on an example's action, with what `more` says.
async fn tried(home: &Home, action: &str, more: &[&str]) -> Ended {
    for (file, content) in [("secret", CLIENT_SECRET), ("token", "the-token-of-the-job")] {
        std::fs::write(home.path(file), content).unwrap();
    }
    let action = example(action).display().to_string();
    let arguments = [&["try", &action, "--secret-file", "secret"], more].concat();
    home.run(&arguments).await
}

/// What stands for a Jenkins with this example's job and the whitelist.
fn jenkins(job: &str, credential: &str) -> Vec<String> {
    let whitelist = example("jenkins/org.jenkinsci.plugins.gwt.global.Whitelist.xml");
    [
        "--job",
        &example(job).display().to_string(),
        "--whitelist",
        &whitelist.display().to_string(),
        "--credential",
        &format!("{credential}=token"),
        "--credential",
        "longshore-signing-secret=secret",
    ]
    .map(str::to_owned)
    .into()
}

fn azure(pipeline: &str, connection: &str) -> Vec<String> {
    let pipeline = example(pipeline).display().to_string();
    [
        "--pipeline",
        &pipeline,
        "--connection",
        &format!("{connection}:secret"),
    ]
    .map(str::to_owned)
    .into()
}

#[tokio::test]
async fn each_example_starts_its_job() {
    let cases = [
        (
            "jenkins/create-service",
            jenkins("jenkins/create-service/config.xml", "create-service-token"),
            vec![
                "-p",
                "name=billing",
                "--secret",
                "CREATE_SERVICE_TOKEN=token",
            ],
            "NAME      = billing",
        ),
        (
            "jenkins/restart-service",
            jenkins(
                "jenkins/restart-service/config.xml",
                "restart-service-token",
            ),
            vec![
                "--entity",
                "billing",
                "--secret",
                "RESTART_SERVICE_TOKEN=token",
            ],
            "SERVICE     = billing",
        ),
        (
            "azure/create-storage-account",
            azure(
                "azure/create-storage-account/azure-pipelines.yml",
                "longshore-create-storage-account:create_storage_account",
            ),
            vec!["-p", "name=billing01"],
            "call.name (line 32) = \"billing01\"",
        ),
        (
            "azure/rotate-storage-keys",
            azure(
                "azure/rotate-storage-keys/azure-pipelines.yml",
                "longshore-storage-accounts:storage_accounts",
            ),
            vec!["--entity", "billing01"],
            "task = \"rotate-keys\": matches",
        ),
    ];
    let home = Home::bare();
    for (folder, receiver, inputs, expected) in cases {
        let more: Vec<&str> = receiver.iter().map(String::as_str).chain(inputs).collect();
        let ended = tried(&home, &format!("{folder}/action.json"), &more).await;
        assert!(ended.status.success(), "{folder}: {ended:?}");
        assert_eq!(ended.stderr, "", "{folder}");
        assert!(
            ended.stdout.contains(expected),
            "{folder}: {}",
            ended.stdout
        );
        for secret in [CLIENT_SECRET, "the-token-of-the-job"] {
            assert!(!ended.stdout.contains(secret), "{folder}: {}", ended.stdout);
        }
    }
}

#[tokio::test]
async fn what_keeps_a_job_from_starting_is_told_in_one_go() {
    let home = Home::bare();
    let job = jenkins("jenkins/create-service/config.xml", "create-service-token");
    let job: Vec<&str> = job.iter().map(String::as_str).collect();
    std::fs::write(home.path("other"), "another token").unwrap();
    let name = ["-p", "name=billing"];
    let token = ["--secret", "CREATE_SERVICE_TOKEN=other"];
    let wrong = [&job[..], &name, &token].concat();
    let wrong = tried(&home, "jenkins/create-service/action.json", &wrong).await;
    assert_eq!(wrong.status.code(), Some(1), "{wrong:?}");
    assert!(wrong.stdout.contains("not called"), "{}", wrong.stdout);

    let from = [&job[..], &name, &["--secret", "CREATE_SERVICE_TOKEN=token"]].concat();
    let refused = [&from[..], &["-p", "language=cobol"]].concat();
    let refused = tried(&home, "jenkins/create-service/action.json", &refused).await;
    assert_eq!(refused.status.code(), Some(2), "{refused:?}");
    assert!(
        refused.stderr.contains("properties.language"),
        "{}",
        refused.stderr
    );

    let action = text("azure/create-storage-account/action.json");
    let mut action: Value = serde_json::from_str(&action).unwrap();
    action["invocationMethod"]["payload"]["name"] = json!(["{{ .inputs.name }}"]);
    std::fs::write(home.path("array.json"), action.to_string()).unwrap();
    let pipeline = azure(
        "azure/create-storage-account/azure-pipelines.yml",
        "longshore-create-storage-account:create_storage_account",
    );
    let more: Vec<&str> = pipeline.iter().map(String::as_str).chain(name).collect();
    let array = home.path("array.json").display().to_string();
    let array = tried(&home, &array, &more).await;
    assert_eq!(array.status.code(), Some(1), "{array:?}");
    assert!(
        array.stdout.contains("call.name is an array"),
        "{}",
        array.stdout
    );
    assert!(
        array.stderr.contains("invocationMethod.payload.name"),
        "{}",
        array.stderr
    );
}

#[tokio::test]
async fn what_was_typed_to_be_encrypted_is_not_shown() {
    const PASSWORD: &str = "pässword-1 of the tests";
    let action = text("jenkins/create-service/action.json");
    let mut action: Value = serde_json::from_str(&action).unwrap();
    let inputs = &mut action["trigger"]["userInputs"]["properties"];
    inputs["password"] = json!({"type": "string", "encryption": "aes256-gcm"});
    action["invocationMethod"]["body"]["password"] = json!("{{ .inputs.password }}");
    let home = Home::bare();
    let path = home.path("typed.json");
    std::fs::write(&path, action.to_string()).unwrap();
    let password = format!("password={PASSWORD}");
    let more = [
        "-p",
        "name=billing",
        "-p",
        &password,
        "--secret",
        "CREATE_SERVICE_TOKEN=token",
    ];
    let job = jenkins("jenkins/create-service/config.xml", "create-service-token");
    let more: Vec<&str> = job.iter().map(String::as_str).chain(more).collect();
    let ended = tried(&home, &path.display().to_string(), &more).await;
    assert!(ended.status.success(), "{ended:?}");
    assert!(
        ended.stdout.contains(r#""password":"<secret>""#),
        "{}",
        ended.stdout
    );
    assert!(!format!("{ended:?}").contains("ssword-1"), "{ended:?}");
}

#[test]
fn the_guides_show_the_examples_as_they_are() {
    let docs = |name: &str| {
        let page = format!("{}/../../docs/backends/{name}", env!("CARGO_MANIFEST_DIR"));
        std::fs::read_to_string(page).unwrap()
    };
    let (jenkins, azure) = (docs("jenkins.md"), docs("azure_pipelines.md"));
    for (page, file) in [
        (&jenkins, "jenkins/create-service/Jenkinsfile"),
        (&jenkins, "jenkins/create-service/action.json"),
        (&azure, "azure/create-storage-account/azure-pipelines.yml"),
        (&azure, "azure/create-storage-account/action.json"),
    ] {
        assert!(
            page.contains(&text(file)),
            "{file} is another one in its guide"
        );
    }
}

#[test]
fn a_jenkinsfile_declares_what_jenkins_stores() {
    for folder in ["jenkins/create-service", "jenkins/restart-service"] {
        let stored = example(&format!("{folder}/config.xml"));
        let job = longshore_emulators::jenkins::stored::load_job(&stored).unwrap();
        let declared = text(&format!("{folder}/Jenkinsfile"));
        for variable in &job.trigger.generic_variables {
            let filter = variable.regexp_filter.as_ref();
            let filter = filter.map_or(String::new(), |text| format!(", regexpFilter: '{text}'"));
            let line = format!(
                "[key: '{}', value: '{}', defaultValue: '{}'{filter}],",
                variable.key,
                variable.value,
                variable.default_value.as_deref().unwrap()
            );
            assert!(declared.contains(&line), "{folder}: {line}");
        }
        let count = declared.matches("[key: '").count();
        assert_eq!(count, job.trigger.generic_variables.len(), "{folder}");
        let token = job.trigger.token_credential_id.unwrap();
        assert!(
            declared.contains(&format!("tokenCredentialId: '{token}'")),
            "{folder}"
        );
        let filter = job.trigger.regexp_filter_expression.unwrap_or_default();
        assert!(declared.contains(&filter), "{folder}");
    }
}

/// The shell of the Jenkinsfile's own calls, between its quotes.
fn shell_of_jenkins() -> String {
    let file = text("jenkins/create-service/Jenkinsfile");
    let (_, rest) = file.split_once("sh '''").unwrap();
    let shell = rest.split_once("'''").unwrap().0;
    // What Groovy makes of a string in single quotes.
    shell.replace("\\\\", "\\")
}

/// The first script of the pipeline, and what Azure fills into it.
fn shell_of_azure() -> String {
    let file = text("azure/create-storage-account/azure-pipelines.yml");
    let (_, rest) = file.split_once("- bash: |\n").unwrap();
    let script = rest.split_once("    displayName:").unwrap().0;
    script
        .replace("$(Build.BuildId)", "17")
        .replace("./create-storage-account.sh", "true")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_shell_of_the_examples_redeems_logs_and_reports() {
    let (home, sink) = (
        Home::new(),
        WebhookSink::start(Config {
            recording: Recording::Full,
            refuse_unverified: false,
            ..Config::default()
        }),
    );
    let sink = sink.await.unwrap();
    let server = home.serve().await;
    let api = server.api().await;
    let calls = access_of_two_runs(&api, &sink).await;
    let environment = |run: &Value| {
        [
            ("LONGSHORE", format!("http://{}", server.address)),
            ("RUN_ID", run["id"].as_str().unwrap().to_owned()),
            ("RUN_TOKEN", run["token"].as_str().unwrap().to_owned()),
            ("BUILD", "https://ci.example.com/1".to_owned()),
            ("NAME", "billing01".to_owned()),
            ("SKU", "Standard_LRS".to_owned()),
        ]
    };
    let steps = [
        ("POST", "/redeem", json!({"by": "https://ci.example.com/1"})),
        (
            "POST",
            "/logs",
            json!({"message": "create \"the\" service"}),
        ),
        (
            "PATCH",
            "",
            json!({"status": "SUCCESS", "summary": "created"}),
        ),
    ];
    for (method, place, body) in steps {
        let mut step = Command::new("bash");
        step.envs(environment(&calls[0]));
        step.envs([
            ("METHOD", method),
            ("PLACE", place),
            ("BODY", &body.to_string()),
        ]);
        succeeds(step, &shell_of_jenkins()).await;
    }
    let mut pipeline = Command::new("bash");
    pipeline.envs(environment(&calls[1]));
    succeeds(pipeline, &shell_of_azure()).await;
    for run in &calls {
        let path = format!("/v1/actions/runs/{}", run["id"].as_str().unwrap());
        assert_eq!(api.get(&path).await["run"]["status"], "SUCCESS");
    }
    // A build that comes second is refused, and so ends before it does anything.
    let mut second = Command::new("bash");
    second
        .envs(environment(&calls[1]))
        .env("BUILD", "https://ci.example.com/2");
    let output = second.args(["-c", &shell_of_azure()]).output();
    let output = timeout(SOON, output).await.unwrap().unwrap();
    assert!(!output.status.success(), "{output:?}");
    server.stop().await;
}

/// What two runs were sent: each its id and its token.
async fn access_of_two_runs(api: &Api, sink: &WebhookSink) -> Vec<Value> {
    let action = json!({
        "identifier": "go",
        "trigger": {"type": "self-service", "operation": "CREATE", "userInputs": {"properties": {}}},
        "invocationMethod": {"type": "WEBHOOK", "url": sink.base_url(),
            "body": {"id": "{{ .run.id }}", "token": "{{ .run.token }}"}},
    });
    api.post("/v1/actions", &action).await;
    for _ in 0..2 {
        api.execute("go").await;
    }
    api.drained(SOON).await;
    sink.deliveries()
        .iter()
        .map(|call| serde_json::from_slice(&call.body).unwrap())
        .collect()
}

async fn succeeds(mut command: Command, script: &str) {
    let output = command.args(["-c", script]).output();
    let output = timeout(SOON, output).await.unwrap().unwrap();
    assert!(output.status.success(), "{output:?}");
}
