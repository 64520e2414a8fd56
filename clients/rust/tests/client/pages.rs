//! The pages of List calls.

use tokio_stream::StreamExt;
use tollgate_grpc::v1;
use tonic::Code;

use crate::support::Server;

const GROUPS: [&str; 5] = ["a", "b", "c", "d", "e"];

#[tokio::test]
async fn every_entry_is_there_once() {
    let server = Server::start().await;
    let (workspace, client) = (server.workspace("acme").await, server.client());
    for id in GROUPS {
        let group = v1::KeyGroup { key_group_id: id.into(), ..Default::default() };
        let workspace_id = workspace.id.clone();
        let request = v1::CreateKeyGroupRequest { workspace_id, key_group: Some(group) };
        client.api_key().create_key_group(request).await.unwrap();
    }
    let request = v1::ListKeyGroupsRequest {
        workspace_id: workspace.id.clone(),
        page_size: 2,
        ..Default::default()
    };
    let ids = |page: &v1::ListKeyGroupsResponse| {
        page.key_groups.iter().map(|group| group.key_group_id.clone()).collect::<Vec<_>>()
    };

    let mut pages = client.pages(request.clone());
    let mut got = Vec::new();
    while let Some(page) = pages.next().await {
        got.push(ids(&page.unwrap()));
    }
    assert_eq!(got.iter().map(Vec::len).collect::<Vec<_>>(), [2, 2, 1]);
    assert_eq!(got.concat(), GROUPS);
    assert!(pages.next().await.is_none());

    // The same as a stream.
    let streamed: Vec<_> =
        client.pages(request.clone()).map(|page| ids(&page.unwrap())).collect().await;
    assert_eq!(streamed, got);

    let first = client.api_key().list_key_groups(request.clone()).await.unwrap().into_inner();
    let later = v1::ListKeyGroupsRequest { page_token: first.next_page_token, ..request };
    assert_eq!(ids(&client.pages(later).next().await.unwrap().unwrap()), ["c", "d"]);

    let wrong = v1::ListKeyGroupsRequest { workspace_id: "nowhere".into(), ..Default::default() };
    let mut pages = client.pages(wrong);
    assert_eq!(pages.next().await.unwrap().unwrap_err().code(), Code::NotFound);
    assert!(pages.next().await.is_none(), "an error is the last");
}
