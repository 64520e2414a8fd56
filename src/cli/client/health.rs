//! `tollgate health`: whether a server serves, for health checks of containers.

use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use tonic::Request;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use super::{CallError, Target};
use crate::cli::{Failure, print, runtime, tell};

#[derive(Debug, Args)]
pub struct Health {
    /// Service of the API that is asked about; the server as a whole without it.
    #[arg(long, value_name = "NAME", default_value = "")]
    service: String,
    #[command(flatten)]
    target: Target,
}

/// Success if it serves, failure if it does not or cannot be asked: health checks of containers
/// know no other codes.
pub fn run(health: Health) -> Result<ExitCode, Failure> {
    let status = runtime(Some(1))?.block_on(health.status());
    match status {
        Ok(ServingStatus::Serving) => {
            print("serving\n")?;
            Ok(ExitCode::SUCCESS)
        }
        Ok(_) => {
            tell("not serving");
            Ok(ExitCode::FAILURE)
        }
        Err(error) => {
            error.end(health.target.output);
            Ok(ExitCode::FAILURE)
        }
    }
}

impl Health {
    async fn status(&self) -> Result<ServingStatus, CallError> {
        let client = self.target.connect().await?;
        let mut request = Request::new(HealthCheckRequest { service: self.service.clone() });
        request.set_timeout(client.timeout.max(Duration::from_secs(1)));
        let answer = HealthClient::new(client.channel).check(request).await?;
        Ok(answer.into_inner().status())
    }
}
