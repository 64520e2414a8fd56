//! `AlertService`: decode, call, encode.

use futures_util::Stream;
use futures_util::stream::unfold;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status};

use super::BoxStream;
use super::actor::by;
use super::convert::alert as convert;
use super::status::stopping;
use crate::domain::receiver::EmailReceiver;
use crate::domain::receiver::Webhook;
use crate::engine::alerts::AlertWatch;
use crate::engine::alerts::address::AddressRules;
use crate::engine::alerts::wording::Wording;
use crate::engine::{Engine, Error};
use crate::proto::v1;
use crate::proto::v1::alert_service_server::AlertService;

pub struct Alert {
    engine: Engine,
    stopping: CancellationToken,
    rules: AddressRules,
    /// Whether a server for mail is configured.
    has_mail: bool,
}

impl Alert {
    pub fn new(
        engine: Engine,
        stopping: CancellationToken,
        rules: AddressRules,
        has_mail: bool,
    ) -> Alert {
        Alert { engine, stopping, rules, has_mail }
    }
}

#[tonic::async_trait]
impl AlertService for Alert {
    async fn get_alert_policy(
        &self,
        request: Request<v1::GetAlertPolicyRequest>,
    ) -> Result<Response<v1::GetAlertPolicyResponse>, Status> {
        let id = request.into_inner().workspace_id;
        convert::workspace_id(&id)?;
        let policy = self.engine.alert_policy(&id).await?;
        let alert_policy = Some(convert::policy_to_proto(&policy));
        Ok(Response::new(v1::GetAlertPolicyResponse { alert_policy }))
    }

    async fn set_alert_policy(
        &self,
        request: Request<v1::SetAlertPolicyRequest>,
    ) -> Result<Response<v1::SetAlertPolicyResponse>, Status> {
        let by = by(request.metadata(), "SetAlertPolicy")?;
        let request = request.into_inner();
        let policy = convert::policy(&request)?;
        let policy = self.engine.set_alert_policy(by, &request.workspace_id, policy).await?;
        let alert_policy = Some(convert::policy_to_proto(&policy));
        Ok(Response::new(v1::SetAlertPolicyResponse { alert_policy }))
    }

    async fn list_alerts(
        &self,
        request: Request<v1::ListAlertsRequest>,
    ) -> Result<Response<v1::ListAlertsResponse>, Status> {
        let (filter, page, before) = convert::list_alerts(request.into_inner())?;
        let mut alerts = self.engine.alerts(&filter, before, page.fetch()).await?;
        let wording = self.engine.wording(&filter.workspace_id).await?;
        let next_page_token = page.cut(&mut alerts, |last| last.seq.to_string());
        let alerts = alerts.iter().map(|alert| convert::alert_to_proto(alert, &wording)).collect();
        Ok(Response::new(v1::ListAlertsResponse { alerts, next_page_token }))
    }

    async fn acknowledge_alert(
        &self,
        request: Request<v1::AcknowledgeAlertRequest>,
    ) -> Result<Response<v1::AcknowledgeAlertResponse>, Status> {
        let by = by(request.metadata(), "AcknowledgeAlert")?;
        let v1::AcknowledgeAlertRequest { workspace_id, alert_id } = request.into_inner();
        convert::alert_of(&workspace_id, alert_id)?;
        let alert = self.engine.acknowledge_alert(by, &workspace_id, alert_id).await?;
        let wording = self.engine.wording(&workspace_id).await?;
        let alert = Some(convert::alert_to_proto(&alert, &wording));
        Ok(Response::new(v1::AcknowledgeAlertResponse { alert }))
    }

    type WatchAlertsStream = BoxStream<v1::WatchAlertsResponse>;

    async fn watch_alerts(
        &self,
        request: Request<v1::WatchAlertsRequest>,
    ) -> Result<Response<Self::WatchAlertsStream>, Status> {
        let v1::WatchAlertsRequest { workspace_id, after_alert_id } = request.into_inner();
        convert::watch(&workspace_id, after_alert_id)?;
        let watch = self.engine.watch_alerts(&workspace_id, after_alert_id).await?;
        let (engine, stop) = (self.engine.clone(), self.stopping.clone());
        Ok(Response::new(Box::pin(watched(engine, workspace_id, watch, stop))))
    }

    async fn create_webhook(
        &self,
        request: Request<v1::CreateWebhookRequest>,
    ) -> Result<Response<v1::CreateWebhookResponse>, Status> {
        let by = by(request.metadata(), "CreateWebhook")?;
        let (workspace_id, new) = convert::new_webhook(request.into_inner(), self.rules)?;
        let (webhook, secret) = self.engine.create_webhook(by, &workspace_id, new).await?;
        let webhook = Some(convert::webhook_to_proto(webhook));
        Ok(Response::new(v1::CreateWebhookResponse { webhook, secret }))
    }

    async fn list_webhooks(
        &self,
        request: Request<v1::ListWebhooksRequest>,
    ) -> Result<Response<v1::ListWebhooksResponse>, Status> {
        let v1::ListWebhooksRequest { workspace_id, page_size, page_token } = request.into_inner();
        let page = convert::receivers("webhooks", &workspace_id, page_size, &page_token)?;
        let mut webhooks = self.engine.webhooks(&workspace_id).await?;
        webhooks.retain(|webhook| page.after().is_none_or(|after| &*webhook.id > after));
        let next_page_token = page.cut(&mut webhooks, |last| last.id.to_string());
        let webhooks = webhooks.into_iter().map(convert::webhook_to_proto).collect();
        Ok(Response::new(v1::ListWebhooksResponse { webhooks, next_page_token }))
    }

    async fn update_webhook(
        &self,
        request: Request<v1::UpdateWebhookRequest>,
    ) -> Result<Response<v1::UpdateWebhookResponse>, Status> {
        let by = by(request.metadata(), "UpdateWebhook")?;
        let (workspace_id, id, change) = convert::webhook(request.into_inner(), self.rules)?;
        let webhook = self.engine.update_webhook(by, &workspace_id, &id, change).await?;
        let webhook = Some(convert::webhook_to_proto(webhook));
        Ok(Response::new(v1::UpdateWebhookResponse { webhook }))
    }

    async fn rotate_webhook_secret(
        &self,
        request: Request<v1::RotateWebhookSecretRequest>,
    ) -> Result<Response<v1::RotateWebhookSecretResponse>, Status> {
        let by = by(request.metadata(), "RotateWebhookSecret")?;
        let v1::RotateWebhookSecretRequest { workspace_id, webhook_id } = request.into_inner();
        convert::named(&workspace_id, &webhook_id, "webhook_id")?;
        let secret = self.engine.rotate_webhook_secret(by, &workspace_id, &webhook_id).await?;
        Ok(Response::new(v1::RotateWebhookSecretResponse { secret }))
    }

    async fn delete_webhook(
        &self,
        request: Request<v1::DeleteWebhookRequest>,
    ) -> Result<Response<v1::DeleteWebhookResponse>, Status> {
        let by = by(request.metadata(), "DeleteWebhook")?;
        let v1::DeleteWebhookRequest { workspace_id, webhook_id } = request.into_inner();
        convert::named(&workspace_id, &webhook_id, "webhook_id")?;
        self.engine.delete::<Webhook>(by, &workspace_id, &webhook_id).await?;
        Ok(Response::new(v1::DeleteWebhookResponse {}))
    }

    async fn create_email_receiver(
        &self,
        request: Request<v1::CreateEmailReceiverRequest>,
    ) -> Result<Response<v1::CreateEmailReceiverResponse>, Status> {
        let by = by(request.metadata(), "CreateEmailReceiver")?;
        let (workspace_id, new) = convert::new_email_receiver(request.into_inner())?;
        if !self.has_mail {
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
            request.into_inner();
        let page = convert::receivers("email_receivers", &workspace_id, page_size, &page_token)?;
        let mut receivers = self.engine.email_receivers(&workspace_id).await?;
        receivers.retain(|receiver| page.after().is_none_or(|after| &*receiver.id > after));
        let next_page_token = page.cut(&mut receivers, |last| last.id.to_string());
        let email_receivers = receivers.into_iter().map(convert::email_receiver_to_proto).collect();
        Ok(Response::new(v1::ListEmailReceiversResponse { email_receivers, next_page_token }))
    }

    async fn delete_email_receiver(
        &self,
        request: Request<v1::DeleteEmailReceiverRequest>,
    ) -> Result<Response<v1::DeleteEmailReceiverResponse>, Status> {
        let by = by(request.metadata(), "DeleteEmailReceiver")?;
        let v1::DeleteEmailReceiverRequest { workspace_id, email_receiver_id } =
            request.into_inner();
        convert::named(&workspace_id, &email_receiver_id, "email_receiver_id")?;
        self.engine.delete::<EmailReceiver>(by, &workspace_id, &email_receiver_id).await?;
        Ok(Response::new(v1::DeleteEmailReceiverResponse {}))
    }

    async fn list_deliveries(
        &self,
        request: Request<v1::ListDeliveriesRequest>,
    ) -> Result<Response<v1::ListDeliveriesResponse>, Status> {
        let (filter, page, after) = convert::list_deliveries(request.into_inner())?;
        let mut deliveries = self.engine.deliveries(&filter, after, page.fetch()).await?;
        let next_page_token = page.cut(&mut deliveries, convert::position_of_delivery);
        let deliveries = deliveries.into_iter().map(convert::delivery_to_proto).collect();
        Ok(Response::new(v1::ListDeliveriesResponse { deliveries, next_page_token }))
    }

    async fn repeat_delivery(
        &self,
        request: Request<v1::RepeatDeliveryRequest>,
    ) -> Result<Response<v1::RepeatDeliveryResponse>, Status> {
        let v1::RepeatDeliveryRequest { workspace_id, delivery_id } = request.into_inner();
        convert::named(&workspace_id, &delivery_id, "delivery_id")?;
        let delivery = self.engine.repeat_delivery(&workspace_id, &delivery_id).await?;
        let delivery = Some(convert::delivery_to_proto(delivery));
        Ok(Response::new(v1::RepeatDeliveryResponse { delivery }))
    }
}

/// Pulled by the reader. Ends when the server stops, or storage fails: to be resumed then.
fn watched(
    engine: Engine,
    workspace_id: String,
    watch: AlertWatch,
    stop: CancellationToken,
) -> impl Stream<Item = Result<v1::WatchAlertsResponse, Status>> {
    unfold(Some(watch), move |watch| {
        let (engine, workspace_id, stop) = (engine.clone(), workspace_id.clone(), stop.clone());
        async move {
            let mut watch = watch?;
            let next = async {
                let alert = watch.next().await?;
                let wording: Wording = engine.wording(&workspace_id).await?;
                Ok::<_, Error>(convert::alert_to_proto(&alert, &wording))
            };
            match stop.run_until_cancelled(next).await {
                None => Some((Err(stopping()), None)),
                Some(Err(error)) => Some((Err(error.into()), None)),
                Some(Ok(alert)) => {
                    Some((Ok(v1::WatchAlertsResponse { alert: Some(alert) }), Some(watch)))
                }
            }
        }
    })
}
