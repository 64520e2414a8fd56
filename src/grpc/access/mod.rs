//! `AccessService`: access tokens; and who may call what, for all services.
//!
//! [`authenticate`] finds the caller of a request before any service, by [`table`] it may make the
//! call, and [`authorize`] lets the message through to the handler if it is about the caller's
//! workspaces.

mod authorize;
pub mod authenticate;
mod convert;
pub mod table;

use tonic::{Request, Response, Status};

pub use authorize::{Caller, Stop, authorize, by, caller};

use super::shared::decode::decode;
use super::shared::page::{PAGE_SIZE_MAX, to_count};
use super::shared::time::{to_duration, to_timestamp};
use super::{Admission, ServiceContext};
use crate::engine::{Engine, REFUSAL_AGE_MAX, REFUSALS_MAX};
use crate::limits::{REQUEST_BYTES_MAX, STREAMS_PER_CONNECTION_MAX};
use crate::proto::v1;
use crate::proto::v1::access_service_server::AccessService;

pub struct Access {
    engine: Engine,
    /// What does not change of it.
    info: v1::GetServerInfoResponse,
}

impl Access {
    pub fn new(context: &ServiceContext) -> Access {
        Access { engine: context.engine.clone(), info: info(context) }
    }
}

fn info(context: &ServiceContext) -> v1::GetServerInfoResponse {
    let number = |number: usize| i32::try_from(number).unwrap_or(i32::MAX);
    let time_zones = chrono_tz::TZ_VARIANTS.iter().map(|zone| zone.name().to_owned());
    v1::GetServerInfoResponse {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        authentication_required: context.admission == Admission::Authenticated,
        smtp_configured: context.has_smtp,
        time_zones: time_zones.collect(),
        server_time: None,
        page_size_max: number(PAGE_SIZE_MAX),
        request_bytes_max: to_count(REQUEST_BYTES_MAX),
        calls_per_connection_max: number(STREAMS_PER_CONNECTION_MAX as usize),
        refusals_max: number(REFUSALS_MAX),
        refusal_age_max: Some(to_duration(REFUSAL_AGE_MAX)),
    }
}

#[tonic::async_trait]
impl AccessService for Access {
    async fn create_token(
        &self,
        request: Request<v1::CreateTokenRequest>,
    ) -> Result<Response<v1::CreateTokenResponse>, Status> {
        let by = by(&request)?;
        let new = convert::create(authorize(request)?, self.engine.now())?;
        let (token, secret) = self.engine.create_token(by, new).await?;
        let token = Some(convert::token_to_proto(token));
        let secret = secret.expose().to_owned();
        Ok(Response::new(v1::CreateTokenResponse { token, secret }))
    }

    async fn list_tokens(
        &self,
        request: Request<v1::ListTokensRequest>,
    ) -> Result<Response<v1::ListTokensResponse>, Status> {
        let v1::ListTokensRequest { page_size, page_token } = authorize(request)?;
        let page = decode(|at| Some(at.page(&["tokens"], page_size, &page_token)))?;
        let after = page.after().unwrap_or_default();
        let tokens = self.engine.access_tokens().into_iter();
        let tokens = tokens.filter(|token| &*token.id > after);
        let (tokens, next_page_token) =
            page.cut(tokens, |last| last.id.to_string(), convert::token_to_proto);
        Ok(Response::new(v1::ListTokensResponse { tokens, next_page_token }))
    }

    async fn rotate_token(
        &self,
        request: Request<v1::RotateTokenRequest>,
    ) -> Result<Response<v1::RotateTokenResponse>, Status> {
        let by = by(&request)?;
        let (id, overlap) = convert::rotate(authorize(request)?)?;
        let (token, secret) = self.engine.rotate_token(by, id, overlap).await?;
        let token = Some(convert::token_to_proto(token));
        let secret = secret.expose().to_owned();
        Ok(Response::new(v1::RotateTokenResponse { token, secret }))
    }

    async fn revoke_token(
        &self,
        request: Request<v1::RevokeTokenRequest>,
    ) -> Result<Response<v1::RevokeTokenResponse>, Status> {
        let by = by(&request)?;
        let id = convert::revoke(authorize(request)?)?;
        let token = self.engine.revoke_token(by, id).await?;
        let token = Some(convert::token_to_proto(token));
        Ok(Response::new(v1::RevokeTokenResponse { token }))
    }

    async fn who_am_i(
        &self,
        request: Request<v1::WhoAmIRequest>,
    ) -> Result<Response<v1::WhoAmIResponse>, Status> {
        let found = convert::identity_to_proto(caller(&request)?.grant().identity());
        authorize(request)?;
        Ok(Response::new(found))
    }

    async fn get_server_info(
        &self,
        request: Request<v1::GetServerInfoRequest>,
    ) -> Result<Response<v1::GetServerInfoResponse>, Status> {
        authorize(request)?;
        let server_time = Some(to_timestamp(self.engine.now()));
        Ok(Response::new(v1::GetServerInfoResponse { server_time, ..self.info.clone() }))
    }
}
