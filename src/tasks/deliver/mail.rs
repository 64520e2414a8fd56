//! Sends an alert by e-mail over SMTP, as plain text: what happened, to which subject, how much,
//! and what to do.

use lettre::message::header::ContentType;
use lettre::message::{Mailbox, Message};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::{AsyncSmtpTransport, AsyncTransport, Tokio1Executor};

use super::{ATTEMPT_TIMEOUT, Sent};
use crate::config::{Smtp, SmtpServer, SmtpTls};
use crate::domain::alert::AlertType;
use crate::domain::alert::receiver::EmailReceiver;
use crate::engine::alerts::Outgoing;
use crate::outbound::tls_failure;
use crate::storage::alerts::StoredAlert;

/// Longest sentence in a subject line, in characters.
const SUBJECT_CHARS_MAX: usize = 200;

/// Longest line of a message, in characters; single words aside.
const LINE_CHARS_MAX: usize = 72;

type Transport = AsyncSmtpTransport<Tokio1Executor>;

/// Hands mail to the configured server.
pub struct Mailer {
    from: Mailbox,
    transport: Result<Transport, String>,
}

impl Mailer {
    pub fn new(smtp: Smtp) -> Mailer {
        let transport = transport(smtp.server).map_err(|error| describe(&error));
        Mailer { from: smtp.from, transport }
    }

    /// Makes one attempt.
    pub(super) async fn send(&self, to: &EmailReceiver, id: &str, outgoing: &Outgoing) -> Sent {
        let transport = match &self.transport {
            Ok(transport) => transport,
            Err(cause) => return Sent::failed(format!("not sent: {cause}")),
        };
        let message = match self.message(to, id, outgoing) {
            Ok(message) => message,
            Err(cause) => return Sent::failed(format!("not sent: {cause}")),
        };
        match transport.send(message).await {
            Ok(_) => Sent::Delivered,
            Err(error) => Sent::failed(describe(&error)),
        }
    }

    fn message(
        &self,
        to: &EmailReceiver,
        id: &str,
        outgoing: &Outgoing,
    ) -> Result<Message, String> {
        let to = to.address.parse().map_err(|_| "the address is not one".to_owned())?;
        let sentence = outgoing.wording.sentence(&outgoing.alert);
        let subject: String = sentence.chars().take(SUBJECT_CHARS_MAX).collect();
        Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, to))
            .subject(format!("Tollgate: {subject}"))
            // The same at each attempt and repeat: receivers recognise a repeat by it.
            .message_id(Some(format!("<{id}@{}>", self.from.email.domain())))
            .header(ContentType::TEXT_PLAIN)
            .body(text(&sentence, id, outgoing))
            .map_err(|error| error.to_string())
    }
}

fn transport(server: SmtpServer) -> Result<Transport, lettre::transport::smtp::Error> {
    let mut builder =
        Transport::builder_dangerous(&server.host).port(server.port).timeout(Some(ATTEMPT_TIMEOUT));
    builder = match server.tls {
        SmtpTls::None => builder,
        SmtpTls::Implicit => builder.tls(Tls::Wrapper(TlsParameters::new(server.host)?)),
        SmtpTls::StartTls => builder.tls(Tls::Required(TlsParameters::new(server.host)?)),
    };
    if let Some((user, password)) = server.credentials {
        builder = builder.credentials(Credentials::new(user, password));
    }
    Ok(builder.build())
}

/// The body of the message.
fn text(sentence: &str, id: &str, outgoing: &Outgoing) -> String {
    let (stored, wording) = (&outgoing.alert, &outgoing.wording);
    let alert = &stored.alert;
    let raised = alert.time.to_utc().with_timezone(&wording.time_zone);
    let mut lines = vec![
        format!("{}.", capitalized(sentence)),
        String::new(),
        format!("Workspace: {}", stored.workspace_id),
        format!("Alert:     {}, {}", stored.seq, what(stored)),
        format!("Window:    {}", wording.window(stored)),
    ];
    if let Some(quota_id) = stored.quota_id() {
        lines.push(format!("Quota:     {quota_id}"));
    }
    if let Some(record) = &alert.record {
        lines.push(format!("Record:    {}", record.seq));
        lines.push(format!("Request:   {}, attempt {}", record.request_id, record.attempt));
        lines.push(format!("Model:     {}", record.model_id));
        for (name, id) in [("User:     ", &record.user_id), ("API key:  ", &record.api_key_id)] {
            if !id.is_empty() {
                lines.push(format!("{name} {id}"));
            }
        }
    }
    if let Some(number) = stored.large_record_number() {
        lines.push(format!("Above:     {}", wording.figure(alert.unit, alert.limit)));
        lines.push(format!("Cost:      {}", wording.figure(alert.unit, alert.spent)));
        lines.push(format!("Number:    {number} of the day (UTC)"));
    } else if alert.unit.is_some() {
        if alert.key.alert_type != AlertType::HoldsExpired {
            lines.push(format!("Limit:     {}", wording.figure(alert.unit, alert.limit)));
        }
        lines.push(format!("Used:      {}", wording.figure(alert.unit, alert.spent)));
    }
    lines.push(format!("Raised:    {}", raised.format("%Y-%m-%d %H:%M:%S %:z")));
    lines.push(String::new());
    lines.push(wording.advice(stored).to_owned());
    lines.push(String::new());
    lines.push(format!(
        "Acknowledge it with AlertService.AcknowledgeAlert: workspace_id {}, alert_id {}.",
        stored.workspace_id, stored.seq
    ));
    lines.push(format!("Delivery {id}."));
    let mut text = String::new();
    for line in lines {
        wrap(&line, &mut text);
    }
    text
}

/// Adds a line, wrapped between words, with the line ending of SMTP.
fn wrap(line: &str, text: &mut String) {
    let mut width = 0;
    for (index, word) in line.split(' ').enumerate() {
        let length = word.chars().count();
        if index > 0 && width + 1 + length > LINE_CHARS_MAX {
            text.push_str("\r\n");
            width = 0;
        } else if index > 0 {
            text.push(' ');
            width += 1;
        }
        text.push_str(word);
        width += length;
    }
    text.push_str("\r\n");
}

fn what(stored: &StoredAlert) -> String {
    let key = &stored.alert.key;
    match key.alert_type {
        AlertType::Threshold => format!("threshold of {} %", key.threshold),
        AlertType::InOverage => "in overage".to_owned(),
        AlertType::Exhausted => "exhausted".to_owned(),
        AlertType::FallbackBegan => "fallback began".to_owned(),
        AlertType::UnpricedModel => "unpriced model used".to_owned(),
        AlertType::CostDiffers => "reported cost differs".to_owned(),
        AlertType::AnswerUnread => "provider answer unread".to_owned(),
        AlertType::HoldsExpired => "holds expired".to_owned(),
        AlertType::LargeRecord => "large record".to_owned(),
        AlertType::Anomaly => match &stored.alert.anomaly {
            Some(anomaly) if anomaly.is_over => "anomaly is over".to_owned(),
            _ => "anomaly".to_owned(),
        },
        AlertType::StorageOutage => "storage outage".to_owned(),
    }
}

fn capitalized(sentence: &str) -> String {
    let mut letters = sentence.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string());
    first.unwrap_or_default() + letters.as_str()
}

/// What failed. The library names neither user nor password; a server might, so only its code is
/// shown.
fn describe(error: &lettre::transport::smtp::Error) -> String {
    if let Some(code) = error.status() {
        return format!("SMTP {code}");
    }
    if error.is_timeout() {
        return "timed out".to_owned();
    }
    if let Some(failure) = tls_failure(error) {
        return format!("no mail was sent: {failure}");
    }
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    format!("no mail was sent: {cause}")
}
