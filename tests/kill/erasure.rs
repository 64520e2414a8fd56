//! An erasure across kills: whatever part of it was done, the next server finishes it, and nobody
//! is told that it is done before.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use sqlx::{AssertSqlSafe, Connection, PgConnection, SqliteConnection};
use tollgate::proto::v1;
use tollgate::proto::v1::directory_service_client::DirectoryServiceClient;

use crate::client::Client;
use crate::process::{Server, free_port};

const WORKSPACE: &str = "erased";
const MODEL: &str = "gpt-4.1-mini";
const USER: &str = "ada.lovelace@example.com";
/// Records of the user, in batches.
const BATCHES: usize = 20;
const BATCH: usize = 1_000;
/// How long it may take until it has begun, and to its end.
const PATIENCE: Duration = Duration::from_secs(60);

/// Kills a server so often while it erases the user, and whoever starts next while it goes on.
pub async fn run(database: &str, kills: usize) {
    let port = free_port();
    let (server, channel) = Server::start(database, port).await;
    let client = Client::new(channel, WORKSPACE);
    client.create_workspace().await;
    for batch in 0..BATCHES {
        record(&client, batch).await;
    }
    server.kill();
    let mut in_the_middle = 0;
    for kill in 0..kills {
        let (server, channel) = Server::start(database, port).await;
        let request =
            v1::EraseUserRequest { workspace_id: WORKSPACE.to_owned(), user_id: USER.to_owned() };
        let mut directory = DirectoryServiceClient::new(channel);
        let erasing = tokio::spawn(async move { directory.erase_user(request).await });
        // By then it has begun; the server after a kill goes on by itself.
        let begun = "SELECT COUNT(*) FROM usage_records WHERE user_id <> ''";
        wait_until(|| async {
            count(database, &format!("{begun} AND user_id <> '{USER}'")).await > 0
        })
        .await;
        tokio::time::sleep(Duration::from_millis(10 * kill as u64)).await;
        server.kill();
        let left = left(database).await;
        in_the_middle += usize::from(left > 0 && left < (BATCHES * BATCH) as i64);
        if let Ok(answer) = erasing.await.unwrap() {
            assert_eq!(answer.into_inner().record_count, (BATCHES * BATCH) as i64);
            assert_eq!(left, 0, "it was said to be done");
        }
        crate::verify(database);
    }
    let (server, channel) = Server::start(database, port).await;
    wait_until(|| async { count(database, "SELECT COUNT(*) FROM erasures").await == 0 }).await;
    assert_eq!(left(database).await, 0);
    let listed = Client::new(channel, WORKSPACE).records().await;
    assert_eq!(listed.len(), BATCHES * BATCH);
    let user = |record: v1::UsageRecord| record.attribution.unwrap_or_default().user_id;
    let users: BTreeSet<String> = listed.into_iter().map(user).collect();
    assert!(users.len() == 1 && users.first().unwrap().starts_with("erased-"), "{users:?}");
    server.stop().await;
    crate::verify(database);
    // How many is up to the machine: tests/api has the middle made on purpose.
    println!("{in_the_middle} of {kills} kills in the middle of an erasure");
}

async fn record(client: &Client, batch: usize) {
    let records = (0..BATCH).map(|number| v1::RecordUsageRequest {
        workspace_id: client.id(),
        request_id: format!("{batch}-{number}"),
        model_id: MODEL.to_owned(),
        usage: Some(v1::Usage { input_token_count: 1_000, ..Default::default() }),
        outcome: v1::Outcome::Success.into(),
        attribution: Some(v1::Attribution { user_id: USER.to_owned(), ..Default::default() }),
        ..Default::default()
    });
    let request = v1::RecordUsageBatchRequest { records: records.collect() };
    client.usage().record_usage_batch(request).await.unwrap();
}

/// Entries that still have the id.
async fn left(database: &str) -> i64 {
    count(database, &format!("SELECT COUNT(*) FROM usage_records WHERE user_id = '{USER}'")).await
}

async fn count(database: &str, sql: &str) -> i64 {
    match database.strip_prefix("sqlite:") {
        Some(path) => {
            let url = format!("sqlite://{path}");
            let mut connection = SqliteConnection::connect(&url).await.unwrap();
            let query = sqlx::query_scalar(AssertSqlSafe(sql.to_owned()));
            query.fetch_one(&mut connection).await.unwrap()
        }
        None => {
            let mut connection = PgConnection::connect(database).await.unwrap();
            let query = sqlx::query_scalar(AssertSqlSafe(sql.to_owned()));
            query.fetch_one(&mut connection).await.unwrap()
        }
    }
}

async fn wait_until<F: Future<Output = bool>>(is_so: impl Fn() -> F) {
    let ends = Instant::now() + PATIENCE;
    while !is_so().await {
        assert!(Instant::now() < ends, "it takes too long");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}
