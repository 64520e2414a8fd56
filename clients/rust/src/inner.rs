//! What the clones of a client and its calls in flight share.

use std::sync::Arc;
use std::time::Duration;

use crate::breaker::Breaker;
use crate::delivery::Delivery;
use crate::estimate::Tokenizer;
use crate::request::Policy;
use crate::transport::Transport;
use crate::v1::usage_service_client::UsageServiceClient;

/// The state behind a [`Client`](crate::Client), whose last owner stops the delivery.
pub(crate) struct Inner {
    pub(crate) usage: UsageServiceClient<Transport>,
    pub(crate) transport: Transport,
    pub(crate) delivery: Arc<Delivery>,
    pub(crate) breaker: Arc<Breaker>,
    pub(crate) policy: Policy,
    pub(crate) flush_timeout: Duration,
    pub(crate) tokenizer: Option<Box<Tokenizer>>,
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.delivery.abandon();
    }
}
