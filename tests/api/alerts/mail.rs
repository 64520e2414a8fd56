//! Alerts on their way by e-mail, to a real server for mail on loopback.

use tollgate::config::{Config, SmtpServer};
use tollgate::domain::time::MICROS_PER_SECOND;
use tollgate::proto::v1;
use tollgate::proto::v1::DeliveryState::{Delivered, Pending};
use tonic::{Code, Status};

use crate::alerts::large_records::{set_cost, used};
use crate::alerts::webhooks::{deliveries, is, until};
use crate::alerts::{all, small_plan, spend};
use crate::fixtures::{ACME, acme, assert_failed, audit_events, by, eur, refused_fields};
use crate::server::Server;
use crate::smtp::{MailServer, Options};
use crate::usage::{list_records, note};

fn config(url: &str) -> Config {
    let server = SmtpServer::read(url).expect(url);
    let from = "Tollgate <tollgate@example.com>".parse().unwrap();
    Config { smtp: Some(server.with_sender(from)), ..Config::default() }
}

async fn create(
    server: &Server,
    id: &str,
    address: &str,
    types: &[v1::AlertType],
) -> Result<v1::EmailReceiver, Status> {
    let email_receiver = v1::EmailReceiver {
        email_receiver_id: id.to_owned(),
        address: address.to_owned(),
        types: types.iter().map(|alert_type| i32::from(*alert_type)).collect(),
        create_time: None,
    };
    let request = v1::CreateEmailReceiverRequest {
        workspace_id: ACME.to_owned(),
        email_receiver: Some(email_receiver),
    };
    let created = server.alert().create_email_receiver(by("ada", request)).await?.into_inner();
    Ok(created.email_receiver.unwrap())
}

/// The error of the first attempt, which fails.
async fn first_error(server: &Server) -> String {
    let found = until(server, |found| found.len() == 1 && is(&found[0], Pending, 1)).await;
    found[0].last_error.clone()
}

#[tokio::test]
async fn an_alert_is_sent_as_a_readable_message() {
    let credentials = Some(("tollgate", "p:ss w@rd"));
    let Some(mut mail) = MailServer::start(Options { credentials, tls: false }).await else {
        return;
    };
    let url = format!("smtp://tollgate:p%3Ass%20w%40rd@127.0.0.1:{}", mail.port);
    let server = small_plan(config(&url)).await;
    let address = "ops@example.com";
    create(&server, "ops", address, &[]).await.unwrap();
    spend(&server, "r-1").await;
    let message = mail.next().await;
    assert_eq!(
        (message.from.as_str(), message.user.as_str()),
        ("tollgate@example.com", "tollgate")
    );
    assert_eq!(message.to, [address]);
    assert_eq!(message.header("From"), "Tollgate <tollgate@example.com>");
    assert_eq!(message.header("To"), address);
    assert!(message.header("Content-Type").starts_with("text/plain"), "{}", message.text);
    let found = until(&server, |found| found.len() == 1 && is(&found[0], Delivered, 1)).await;
    let (id, alert_id) = (&found[0].delivery_id, found[0].alert_id);
    assert_eq!(found[0].email_receiver_id, "ops");
    assert_eq!(message.header("Message-ID"), format!("<{id}@example.com>"));
    let sentence = "orkspace acme has spent 50 % of 4.00 EUR from 2026-03-01 to 2026-03-31";
    // Long headers are folded.
    let unfolded = message.text.replace("\r\n ", " ");
    assert!(unfolded.contains(&format!("Subject: Tollgate: w{sentence}\r\n")), "{unfolded}");
    let expected = format!(
        "W{sentence}.\r\n\
         \r\n\
         Workspace: acme\r\n\
         Alert:     {alert_id}, threshold of 50 %\r\n\
         Window:    from 2026-03-01 to 2026-03-31\r\n\
         Limit:     4.00 EUR\r\n\
         Used:      2.00 EUR\r\n\
         Raised:    2026-03-15 12:00:00 +00:00\r\n\
         \r\n\
         Raise the limit or give it a boost if that is more than was expected;\r\n\
         BudgetService.GetBudget tells which models it was spent on.\r\n\
         \r\n\
         Acknowledge it with AlertService.AcknowledgeAlert: workspace_id acme,\r\n\
         alert_id {alert_id}.\r\n\
         Delivery {id}."
    );
    assert_eq!(message.body().trim_end(), expected);

    let repeat =
        v1::RepeatDeliveryRequest { workspace_id: ACME.to_owned(), delivery_id: id.to_owned() };
    server.alert().repeat_delivery(repeat).await.unwrap();
    // Known again by its id.
    assert_eq!(mail.next().await.header("Message-ID"), message.header("Message-ID"));
}

#[tokio::test]
async fn a_large_record_is_sent_with_who_and_what() {
    let Some(mut mail) = MailServer::start(Options::default()).await else { return };
    let server = small_plan(config(&format!("smtp://127.0.0.1:{}", mail.port))).await;
    set_cost(&server, Some(eur("50"))).await.unwrap();
    create(&server, "ops", "ops@example.com", &[v1::AlertType::LargeRecord]).await.unwrap();
    note(&server, used("wrong", 100)).await.unwrap();
    let message = mail.next().await;
    let found = until(&server, |found| found.len() == 1 && is(&found[0], Delivered, 1)).await;
    let (id, alert_id) = (&found[0].delivery_id, found[0].alert_id);
    let sequence = list_records(&server).await[0].sequence;
    let expected = format!(
        "A record of model big, user ada, API key key-1, request wrong, cost\r\n\
         1000.00 EUR in workspace acme, more than 50.00 EUR.\r\n\
         \r\n\
         Workspace: acme\r\n\
         Alert:     {alert_id}, large record\r\n\
         Window:    on 2026-03-15\r\n\
         Record:    {sequence}\r\n\
         Request:   wrong, attempt 0\r\n\
         Model:     big\r\n\
         User:      ada\r\n\
         API key:   key-1\r\n\
         Above:     50.00 EUR\r\n\
         Cost:      1000.00 EUR\r\n\
         Number:    1 of the day (UTC)\r\n\
         Raised:    2026-03-15 12:00:00 +00:00\r\n\
         \r\n\
         If it is wrong, take its cost back with UsageService.VoidUsage.\r\n\
         UsageService.ListUsageRecords with large_only lists all of them; after\r\n\
         the tenth of a day only the 100th, the 1,000th and so on raise an alert.\r\n\
         \r\n\
         Acknowledge it with AlertService.AcknowledgeAlert: workspace_id acme,\r\n\
         alert_id {alert_id}.\r\n\
         Delivery {id}."
    );
    assert_eq!(message.body().trim_end(), expected);
}

#[tokio::test]
async fn a_server_that_is_busy_is_tried_again() {
    let Some(mut mail) = MailServer::start(Options::default()).await else { return };
    let server = small_plan(config(&format!("smtp://127.0.0.1:{}", mail.port))).await;
    create(&server, "busy", "busy@example.com", &[]).await.unwrap();
    spend(&server, "r-1").await;
    assert_eq!(first_error(&server).await, "SMTP 451");
    server.clock.advance(6 * MICROS_PER_SECOND);
    assert_eq!(mail.next().await.to, ["busy@example.com"]);
    until(&server, |found| is(&found[0], Delivered, 2)).await;
}

#[tokio::test]
async fn a_receiver_that_does_not_answer_holds_up_no_other() {
    let Some(mut mail) = MailServer::start(Options::default()).await else { return };
    let server = small_plan(config(&format!("smtp://127.0.0.1:{}", mail.port))).await;
    create(&server, "a-stalled", "stall@example.com", &[]).await.unwrap();
    create(&server, "b-unknown", "never@example.com", &[]).await.unwrap();
    let types = [v1::AlertType::Threshold, v1::AlertType::Exhausted];
    create(&server, "c-healthy", "ops@example.com", &types).await.unwrap();
    spend(&server, "r-1").await;
    assert_eq!(mail.next().await.to, ["ops@example.com"]);
    spend(&server, "r-2").await;
    for _ in 0..3 {
        assert_eq!(mail.next().await.to, ["ops@example.com"]);
    }
    assert_eq!(all(&server).await.len(), 5);
    assert_eq!(deliveries(&server).await.len(), 5 + 5 + 4);
    let found = until(&server, |found| {
        found.iter().filter(|delivery| is(delivery, Delivered, 1)).count() == 4
            && found.iter().any(|delivery| delivery.last_error == "SMTP 550")
    });
    let of_stalled = |delivery: &&v1::Delivery| delivery.email_receiver_id == "a-stalled";
    assert!(found.await.iter().filter(of_stalled).all(|delivery| delivery.state() == Pending));
}

#[tokio::test]
async fn neither_password_nor_message_goes_where_it_should_not() {
    let credentials = Some(("tollgate", "right"));
    let Some(mail) = MailServer::start(Options { credentials, tls: true }).await else { return };
    // A wrong password, which the server repeats.
    let url = format!("smtp://tollgate:hunter2@127.0.0.1:{}", mail.port);
    let server = small_plan(config(&url)).await;
    create(&server, "ops", "ops@example.com", &[]).await.unwrap();
    spend(&server, "r-1").await;
    assert_eq!(first_error(&server).await, "SMTP 535");

    // A certificate that is not trusted: nothing is said to whoever shows it.
    let url = format!("smtp://tollgate:right@127.0.0.1:{}?tls=required", mail.port);
    let server = small_plan(config(&url)).await;
    create(&server, "ops", "ops@example.com", &[]).await.unwrap();
    spend(&server, "r-1").await;
    let error = first_error(&server).await;
    assert!(error.starts_with("no mail was sent: "), "{error}");
    assert!(error.contains("certificate"), "{error}");
}

#[tokio::test]
async fn a_server_that_is_not_there_is_tried_again() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let server = small_plan(config(&format!("smtp://127.0.0.1:{port}"))).await;
    create(&server, "ops", "ops@example.com", &[]).await.unwrap();
    spend(&server, "r-1").await;
    let error = first_error(&server).await;
    assert!(error.starts_with("no mail was sent: "), "{error}");
}

#[tokio::test]
async fn email_receivers_are_created_listed_and_deleted() {
    let server = Server::start_with(config("smtp://127.0.0.1:1")).await;
    crate::fixtures::set_up(&server).await;
    let made = create(&server, "", "a@example.com", &[v1::AlertType::Exhausted]).await.unwrap();
    assert_eq!(uuid::Uuid::parse_str(&made.email_receiver_id).unwrap().get_version_num(), 7);
    assert_eq!(made.types, [i32::from(v1::AlertType::Exhausted)]);
    let named = create(&server, "b", "b@example.com", &[]).await.unwrap();
    let status = create(&server, "b", "c@example.com", &[]).await.unwrap_err();
    let exists = [("resource", "email_receiver"), ("id", "b")];
    assert_failed(&status, Code::AlreadyExists, "RESOURCE_EXISTS", &exists);
    let request = v1::ListEmailReceiversRequest {
        workspace_id: ACME.to_owned(),
        page_size: 1,
        ..Default::default()
    };
    let first = server.alert().list_email_receivers(request.clone()).await.unwrap().into_inner();
    let rest = v1::ListEmailReceiversRequest { page_token: first.next_page_token, ..request };
    let second = server.alert().list_email_receivers(rest).await.unwrap().into_inner();
    assert_eq!(second.next_page_token, "");
    assert_eq!([first.email_receivers, second.email_receivers].concat(), [made, named]);

    let delete = || v1::DeleteEmailReceiverRequest {
        workspace_id: ACME.to_owned(),
        email_receiver_id: "b".to_owned(),
    };
    server.alert().delete_email_receiver(by("bob", delete())).await.unwrap();
    let status = server.alert().delete_email_receiver(delete()).await.unwrap_err();
    assert_failed(&status, Code::NotFound, "RESOURCE_NOT_FOUND", &exists);
    let events = audit_events(&server, ACME).await;
    let told: Vec<&str> = events.iter().take(3).map(|event| event.action.as_str()).collect();
    assert_eq!(told, ["DeleteEmailReceiver", "CreateEmailReceiver", "CreateEmailReceiver"]);
    assert!(events[0].before_json.contains("b@example.com"), "{events:?}");

    let long = format!("{}@example.com", "a".repeat(250));
    for (id, address, field) in [
        ("c", "", "email_receiver.address"),
        ("c", "nobody", "email_receiver.address"),
        ("c", "a@b@c", "email_receiver.address"),
        ("c", "a@example.com\r\nBcc: b@example.com", "email_receiver.address"),
        ("c", long.as_str(), "email_receiver.address"),
        ("\u{1}", "a@example.com", "email_receiver.email_receiver_id"),
    ] {
        let status = create(&server, id, address, &[]).await.unwrap_err();
        assert_eq!(refused_fields(&status), [field], "{address}");
    }
    let unspecified = [v1::AlertType::Unspecified];
    let status = create(&server, "c", "a@example.com", &unspecified).await.unwrap_err();
    assert_eq!(refused_fields(&status), ["email_receiver.types[0]"]);
}

#[tokio::test]
async fn without_a_server_for_mail_there_are_no_email_receivers() {
    let server = acme().await;
    let status = create(&server, "ops", "ops@example.com", &[]).await.unwrap_err();
    assert_failed(&status, Code::FailedPrecondition, "SMTP_NOT_CONFIGURED", &[]);
    assert!(status.message().contains("smtp_url"), "{}", status.message());
}
