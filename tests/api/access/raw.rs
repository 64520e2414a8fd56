//! Calls of any method by its path.

use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::Channel;
use tonic::{Request, Status};

use crate::wire::Bytes;

pub use crate::wire::{Method, methods};

impl Method {
    /// The status of the first message of the answer, or of its end.
    pub async fn call(
        &self,
        channel: &Channel,
        authorization: &[&str],
        body: Vec<u8>,
    ) -> Result<Vec<u8>, Status> {
        let mut client = tonic::client::Grpc::new(channel.clone());
        client.ready().await.unwrap();
        let mut request = Request::new(tokio_stream::once(body));
        for value in authorization {
            request.metadata_mut().append("authorization", value.parse().unwrap());
        }
        let path = PathAndQuery::try_from(self.path.as_str()).unwrap();
        let answer = client.streaming(request, path, Bytes).await?;
        // What is watched may have nothing to say: being let in is enough.
        let mut answer = answer.into_inner();
        let first = tokio::time::timeout(std::time::Duration::from_secs(2), answer.message()).await;
        Ok(first.unwrap_or(Ok(None))?.unwrap_or_default())
    }
}
