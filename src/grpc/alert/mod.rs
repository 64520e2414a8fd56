//! `AlertService`: alerts, their receivers and deliveries.

mod convert;

pub use convert::alert_to_proto;

use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status};

use super::ServiceContext;
use super::access::{Stop, authorize, by};
use super::shared::page::{time_position, to_count, workspace_page};
use super::shared::status::Failure;
use super::shared::stream::{BoxStream, Source, stream};
use super::shared::text::{self, resource};
use crate::domain::alert::receiver::{EmailReceiver, Webhook};
use crate::engine::alerts::AlertWatch;
use crate::engine::alerts::address::AddressRules;
use crate::engine::alerts::webhook_test::WebhookSender;
use crate::engine::{Engine, Error};
use crate::proto::v1;
use crate::proto::v1::alert_service_server::AlertService;
use crate::storage::alerts::Delivery;

/// Most test deliveries at once.
const TESTS_AT_ONCE_MAX: usize = 16;

pub struct Alert {
    engine: Engine,
    /// Ends streams.
    stopping: CancellationToken,
    rules: AddressRules,
    has_smtp: bool,
    webhooks: Arc<dyn WebhookSender>,
    /// Places for test deliveries.
    tests: Semaphore,
}

impl Alert {
    pub fn new(context: &ServiceContext) -> Alert {
        Alert {
            engine: context.engine.clone(),
            stopping: context.stopping.clone(),
            rules: context.address_rules,
            has_smtp: context.has_smtp,
            webhooks: context.webhooks.clone(),
            tests: Semaphore::new(TESTS_AT_ONCE_MAX),
        }
    }
}

#[tonic::async_trait]
impl AlertService for Alert {
    async fn get_alert_policy(
        &self,
        request: Request<v1::GetAlertPolicyRequest>,
    ) -> Result<Response<v1::GetAlertPolicyResponse>, Status> {
        let id = authorize(request)?.workspace_id;
        text::workspace(&id)?;
        let policy = self.engine.alert_policy(&id).await?;
        let alert_policy = Some(convert::policy_to_proto(&policy));
        Ok(Response::new(v1::GetAlertPolicyResponse { alert_policy }))
    }

    async fn set_alert_policy(
        &self,
        request: Request<v1::SetAlertPolicyRequest>,
    ) -> Result<Response<v1::SetAlertPolicyResponse>, Status> {
        let by = by(&request)?;
        let request = authorize(request)?;
        let policy = convert::policy(&request)?;
        let policy = self.engine.set_alert_policy(by, &request.workspace_id, policy).await?;
        let alert_policy = Some(convert::policy_to_proto(&policy));
        Ok(Response::new(v1::SetAlertPolicyResponse { alert_policy }))
    }

    async fn list_alerts(
        &self,
        request: Request<v1::ListAlertsRequest>,
    ) -> Result<Response<v1::ListAlertsResponse>, Status> {
        let (filter, page, before) = convert::list_alerts(authorize(request)?)?;
        let alerts = self.engine.alerts(&filter, before, page.fetch()).await?;
        let total_count = to_count(self.engine.count_alerts(&filter).await?);
        let wording = self.engine.wording(&filter.workspace_id).await?;
        let to_proto = |alert| alert_to_proto(&alert, &wording);
        let (alerts, next_page_token) = page.cut(alerts, |last| last.seq.to_string(), to_proto);
        Ok(Response::new(v1::ListAlertsResponse { alerts, next_page_token, total_count }))
    }

    async fn acknowledge_alert(
        &self,
        request: Request<v1::AcknowledgeAlertRequest>,
    ) -> Result<Response<v1::AcknowledgeAlertResponse>, Status> {
        let by = by(&request)?;
        let v1::AcknowledgeAlertRequest { workspace_id, alert_id } = authorize(request)?;
        convert::alert_of(&workspace_id, alert_id)?;
        let alert = self.engine.acknowledge_alert(by, &workspace_id, alert_id).await?;
        let wording = self.engine.wording(&workspace_id).await?;
        let alert = Some(alert_to_proto(&alert, &wording));
        Ok(Response::new(v1::AcknowledgeAlertResponse { alert }))
    }

    type WatchAlertsStream = BoxStream<v1::WatchAlertsResponse>;

    async fn watch_alerts(
        &self,
        request: Request<v1::WatchAlertsRequest>,
    ) -> Result<Response<Self::WatchAlertsStream>, Status> {
        let stop = Stop::of(&self.stopping, &request)?;
        let v1::WatchAlertsRequest { workspace_id, after_alert_id } = authorize(request)?;
        convert::watch(&workspace_id, after_alert_id)?;
        let watch = self.engine.watch_alerts(&workspace_id, after_alert_id).await?;
        let alerts = Alerts { engine: self.engine.clone(), workspace_id, watch };
        Ok(Response::new(stream(alerts, stop)))
    }

    async fn create_webhook(
        &self,
        request: Request<v1::CreateWebhookRequest>,
    ) -> Result<Response<v1::CreateWebhookResponse>, Status> {
        let by = by(&request)?;
        let (workspace_id, new) = convert::new_webhook(authorize(request)?, self.rules)?;
        let (webhook, secret) = self.engine.create_webhook(by, &workspace_id, new).await?;
        let webhook = Some(convert::webhook_to_proto(webhook));
        Ok(Response::new(v1::CreateWebhookResponse { webhook, secret }))
    }

    async fn list_webhooks(
        &self,
        request: Request<v1::ListWebhooksRequest>,
    ) -> Result<Response<v1::ListWebhooksResponse>, Status> {
        let v1::ListWebhooksRequest { workspace_id, page_size, page_token } = authorize(request)?;
        let page = workspace_page("webhooks", &workspace_id, page_size, &page_token)?;
        let mut webhooks = self.engine.webhooks(&workspace_id).await?;
        page.keep_after(&mut webhooks, |webhook| &webhook.id);
        let (webhooks, next_page_token) =
            page.cut(webhooks, |last| last.id.to_string(), convert::webhook_to_proto);
        Ok(Response::new(v1::ListWebhooksResponse { webhooks, next_page_token }))
    }

    async fn update_webhook(
        &self,
        request: Request<v1::UpdateWebhookRequest>,
    ) -> Result<Response<v1::UpdateWebhookResponse>, Status> {
        let by = by(&request)?;
        let (workspace_id, id, change) = convert::webhook(authorize(request)?, self.rules)?;
        let webhook = self.engine.update_webhook(by, &workspace_id, &id, change).await?;
        let webhook = Some(convert::webhook_to_proto(webhook));
        Ok(Response::new(v1::UpdateWebhookResponse { webhook }))
    }

    async fn rotate_webhook_secret(
        &self,
        request: Request<v1::RotateWebhookSecretRequest>,
    ) -> Result<Response<v1::RotateWebhookSecretResponse>, Status> {
        let by = by(&request)?;
        let v1::RotateWebhookSecretRequest { workspace_id, webhook_id } = authorize(request)?;
        resource(&workspace_id, "webhook_id", &webhook_id)?;
        let secret = self.engine.rotate_webhook_secret(by, &workspace_id, &webhook_id).await?;
        Ok(Response::new(v1::RotateWebhookSecretResponse { secret }))
    }

    async fn delete_webhook(
        &self,
        request: Request<v1::DeleteWebhookRequest>,
    ) -> Result<Response<v1::DeleteWebhookResponse>, Status> {
        let by = by(&request)?;
        let v1::DeleteWebhookRequest { workspace_id, webhook_id } = authorize(request)?;
        resource(&workspace_id, "webhook_id", &webhook_id)?;
        self.engine.delete::<Webhook>(by, &workspace_id, &webhook_id).await?;
        Ok(Response::new(v1::DeleteWebhookResponse {}))
    }

    async fn create_email_receiver(
        &self,
        request: Request<v1::CreateEmailReceiverRequest>,
    ) -> Result<Response<v1::CreateEmailReceiverResponse>, Status> {
        let by = by(&request)?;
        let (workspace_id, new) = convert::new_email_receiver(authorize(request)?)?;
        if !self.has_smtp {
            return Err(Error::SmtpNotConfigured.into());
        }
        let receiver = self.engine.create::<EmailReceiver>(by, &workspace_id, new).await?;
        let email_receiver = Some(convert::email_receiver_to_proto(receiver));
        Ok(Response::new(v1::CreateEmailReceiverResponse { email_receiver }))
    }

    async fn list_email_receivers(
        &self,
        request: Request<v1::ListEmailReceiversRequest>,
    ) -> Result<Response<v1::ListEmailReceiversResponse>, Status> {
        let v1::ListEmailReceiversRequest { workspace_id, page_size, page_token } =
            authorize(request)?;
        let page = workspace_page("email_receivers", &workspace_id, page_size, &page_token)?;
        let mut receivers = self.engine.email_receivers(&workspace_id).await?;
        page.keep_after(&mut receivers, |receiver| &receiver.id);
        let (email_receivers, next_page_token) =
            page.cut(receivers, |last| last.id.to_string(), convert::email_receiver_to_proto);
        Ok(Response::new(v1::ListEmailReceiversResponse { email_receivers, next_page_token }))
    }

    async fn delete_email_receiver(
        &self,
        request: Request<v1::DeleteEmailReceiverRequest>,
    ) -> Result<Response<v1::DeleteEmailReceiverResponse>, Status> {
        let by = by(&request)?;
        let v1::DeleteEmailReceiverRequest { workspace_id, email_receiver_id } =
            authorize(request)?;
        resource(&workspace_id, "email_receiver_id", &email_receiver_id)?;
        self.engine.delete::<EmailReceiver>(by, &workspace_id, &email_receiver_id).await?;
        Ok(Response::new(v1::DeleteEmailReceiverResponse {}))
    }

    async fn list_deliveries(
        &self,
        request: Request<v1::ListDeliveriesRequest>,
    ) -> Result<Response<v1::ListDeliveriesResponse>, Status> {
        let (filter, page, after) = convert::list_deliveries(authorize(request)?)?;
        let deliveries = self.engine.deliveries(&filter, after, page.fetch()).await?;
        let position = |last: &Delivery| time_position(last.create_time, &last.id);
        let (deliveries, next_page_token) =
            page.cut(deliveries, position, convert::delivery_to_proto);
        Ok(Response::new(v1::ListDeliveriesResponse { deliveries, next_page_token }))
    }

    async fn repeat_delivery(
        &self,
        request: Request<v1::RepeatDeliveryRequest>,
    ) -> Result<Response<v1::RepeatDeliveryResponse>, Status> {
        let v1::RepeatDeliveryRequest { workspace_id, delivery_id } = authorize(request)?;
        resource(&workspace_id, "delivery_id", &delivery_id)?;
        let delivery = self.engine.repeat_delivery(&workspace_id, &delivery_id).await?;
        let delivery = Some(convert::delivery_to_proto(delivery));
        Ok(Response::new(v1::RepeatDeliveryResponse { delivery }))
    }

    async fn test_webhook(
        &self,
        request: Request<v1::TestWebhookRequest>,
    ) -> Result<Response<v1::TestWebhookResponse>, Status> {
        let by = by(&request)?;
        let v1::TestWebhookRequest { workspace_id, webhook_id } = authorize(request)?;
        resource(&workspace_id, "webhook_id", &webhook_id)?;
        // A receiver that does not answer takes a place for seconds.
        let place = self.tests.try_acquire().map_err(|_| Failure::TooManyCalls)?;
        let sender = &*self.webhooks;
        let tested = self.engine.test_webhook(by, &workspace_id, &webhook_id, sender).await?;
        drop(place);
        Ok(Response::new(convert::tested_to_proto(tested)))
    }
}

/// The alerts of a workspace, as [`AlertService::watch_alerts`] streams them.
struct Alerts {
    engine: Engine,
    workspace_id: String,
    watch: AlertWatch,
}

impl Source for Alerts {
    type Item = v1::WatchAlertsResponse;

    async fn next(&mut self) -> Result<Option<v1::WatchAlertsResponse>, Failure> {
        let alert = self.watch.next().await?;
        let wording = self.engine.wording(&self.workspace_id).await?;
        let alert = Some(alert_to_proto(&alert, &wording));
        Ok(Some(v1::WatchAlertsResponse { alert }))
    }
}
