//! The fake for tests of users: what it answers, and what it keeps.

use std::time::Duration;

use tollgate_grpc::testing::FakeTollgate;
use tollgate_grpc::{Client, GuardError, Policy, Reason};
use tonic::Code;

use crate::support::{LONG, USED, request, run};

#[tokio::test]
async fn the_fake_answers_as_it_is_told_and_keeps_what_it_is_given() {
    let tollgate = FakeTollgate::new();
    let client = tollgate.client();
    client.ready(LONG).await.unwrap();
    let id = run(&client, request("acme").user("ada")).await.unwrap();
    assert_eq!(client.flush(LONG).await, 0);
    let record = tollgate.records().remove(0);
    assert_eq!((record.request_id, record.model_id), (id, "gpt-4.1".to_owned()));
    assert_eq!(record.usage, Some(USED));
    assert_eq!(tollgate.checks()[0].attribution.as_ref().unwrap().user_id, "ada");

    tollgate.route("gpt-4.1-mini");
    run(&client, request("acme").wait(true)).await.unwrap();
    assert_eq!(tollgate.records()[1].model_id, "gpt-4.1-mini");
    assert_eq!(client.stats().delivered, 2);

    tollgate.block(Reason::RateLimited, Some(Duration::from_secs(9)));
    let error = run(&client, request("acme")).await.unwrap_err();
    let GuardError::Blocked(blocked) = error else { panic!("{error:?}") };
    assert_eq!(blocked.reason, Reason::RateLimited);
    assert_eq!(blocked.retry_after, Some(Duration::from_secs(9)));
    assert_eq!(blocked.verdicts[0].reason, blocked.reason);

    tollgate.allow();
    let never_started = async |_| Ok::<(), String>(());
    client.guard(request("acme").request_id("idle"), never_started).await.unwrap();
    assert_eq!(client.flush(LONG).await, 0);
    assert_eq!(tollgate.releases()[0].request_id, "idle");
}

#[tokio::test]
async fn the_fake_fails_as_it_is_told() {
    let tollgate = FakeTollgate::new();
    let builder = Client::builder().on_unavailable(Policy::Closed).break_duration(Duration::ZERO);
    let client = tollgate.client_of(builder).unwrap();
    tollgate.fail(Code::Unavailable);
    let error = run(&client, request("acme")).await.unwrap_err();
    assert!(matches!(error, GuardError::Unavailable(_)), "{error:?}");
    run(&client, request("acme").on_unavailable(Policy::Open)).await.unwrap();
    assert_eq!((tollgate.records().len(), client.stats().queued), (0, 1));
    tollgate.fail(Code::NotFound);
    let error = run(&client, request("acme")).await.unwrap_err();
    let GuardError::Rpc(status) = error else { panic!("{error:?}") };
    assert_eq!(status.code(), Code::NotFound);
    tollgate.allow();
    run(&client, request("acme")).await.unwrap();
    assert_eq!(client.close_within(LONG).await, 0);
    let error = client.budget().get_budget(tollgate_grpc::v1::GetBudgetRequest::default()).await;
    assert_eq!(error.unwrap_err().code(), Code::Unimplemented);
}
