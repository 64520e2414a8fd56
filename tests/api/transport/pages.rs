//! Lists are cut into pages that neither repeat nor hide entries.

use tollgate::proto::v1;
use tonic::Status;

use crate::fixtures::{ACME, acme, check, create_workspace, record, refused_fields, set_price};

/// All entries, read in pages of two; the pages must be full but for the last.
async fn all<T>(page: impl AsyncFn(i32, String) -> Result<(Vec<T>, String), Status>) -> Vec<T> {
    let mut entries = Vec::new();
    let mut token = String::new();
    loop {
        let (mut listed, next) = page(2, token).await.unwrap();
        assert!(listed.len() == 2 || next.is_empty() && !listed.is_empty());
        entries.append(&mut listed);
        if next.is_empty() {
            return entries;
        }
        token = next;
    }
}

#[tokio::test]
async fn workspaces_by_id() {
    let server = acme().await;
    for id in ["zebra", "beta", "alpha"] {
        create_workspace(&server, id).await;
    }
    let workspaces = all(async |page_size, page_token| {
        let request = v1::ListWorkspacesRequest { page_size, page_token, ..Default::default() };
        let listed = server.workspace().list_workspaces(request).await?.into_inner();
        Ok((listed.workspaces, listed.next_page_token))
    });
    let ids: Vec<String> =
        workspaces.await.into_iter().map(|workspace| workspace.workspace_id).collect();
    assert_eq!(ids, [ACME, "alpha", "beta", "zebra"]);
}

#[tokio::test]
async fn records_newest_first_while_others_are_written() {
    let server = acme().await;
    for index in 0..5 {
        server.usage().record_usage(record(&format!("r-{index}"), "big")).await.unwrap();
    }
    let records = all(async |page_size, page_token| {
        let id = format!("late-{}", page_token.len() + page_token.matches('3').count());
        let request = v1::ListUsageRecordsRequest {
            workspace_id: ACME.to_owned(),
            page_size,
            page_token,
            ..Default::default()
        };
        let listed = server.usage().list_usage_records(request).await?.into_inner();
        server.usage().record_usage(record(&id, "small")).await?;
        Ok((listed.records, listed.next_page_token))
    });
    let ids: Vec<String> = records.await.into_iter().map(|record| record.request_id).collect();
    assert_eq!(ids, ["r-4", "r-3", "r-2", "r-1", "r-0"]);
}

#[tokio::test]
async fn holds_oldest_first() {
    let server = acme().await;
    for (advance, id) in [(0, "r-2"), (0, "r-1"), (1_000_000, "r-0"), (0, "r.4"), (0, "r-3")] {
        server.clock.advance(advance);
        server.usage().check_and_route(check(id, "small")).await.unwrap();
    }
    let holds = all(async |page_size, page_token| {
        let request = v1::ListHoldsRequest {
            workspace_id: ACME.to_owned(),
            page_size,
            page_token,
            ..Default::default()
        };
        let listed = server.usage().list_holds(request).await?.into_inner();
        Ok((listed.holds, listed.next_page_token))
    });
    let ids: Vec<String> = holds.await.into_iter().map(|hold| hold.request_id).collect();
    assert_eq!(ids, ["r-1", "r-2", "r-0", "r-3", "r.4"]);
}

#[tokio::test]
async fn models_prices_rates_and_limits() {
    let server = acme().await;
    for index in 0..4 {
        set_price(&server, "big", "EUR", &index.to_string(), "1").await.unwrap();
        let rate = v1::ExchangeRate {
            from_currency_code: "USD".to_owned(),
            to_currency_code: ["AUD", "EUR", "CHF", "EUR"][index].to_owned(),
            rate: (index + 1).to_string(),
            effective_time: None,
            ..Default::default()
        };
        let request = v1::SetExchangeRateRequest { exchange_rate: Some(rate) };
        server.catalog().set_exchange_rate(request).await.unwrap();
    }
    let models = all(async |page_size, page_token| {
        let request = v1::ListModelsRequest { page_size, page_token, ..Default::default() };
        let listed = server.catalog().list_models(request).await?.into_inner();
        Ok((listed.models, listed.next_page_token))
    });
    let models = models.await;
    assert!(models.len() > 30 && models.is_sorted_by(|a, b| a.model_id < b.model_id));
    let prices = all(async |page_size, page_token| {
        let model_id = "big".to_owned();
        let request =
            v1::ListModelPricesRequest { model_id, page_size, page_token, ..Default::default() };
        let listed = server.catalog().list_model_prices(request).await?.into_inner();
        Ok((listed.prices, listed.next_page_token))
    });
    let mut inputs: Vec<String> =
        prices.await.into_iter().map(|price| price.input_per_million).collect();
    inputs.sort_unstable();
    assert_eq!(inputs, ["0.00", "1.00", "10.00", "2.00", "3.00"]);
    let rates = all(async |page_size, page_token| {
        let request = v1::ListExchangeRatesRequest { page_size, page_token };
        let listed = server.catalog().list_exchange_rates(request).await?.into_inner();
        Ok((listed.exchange_rates, listed.next_page_token))
    });
    let rates: Vec<_> =
        rates.await.into_iter().map(|rate| (rate.to_currency_code, rate.rate)).collect();
    assert_eq!(
        rates,
        [("AUD", "1.00"), ("CHF", "3.00"), ("EUR", "4.00")]
            .map(|(to, rate)| (to.to_owned(), rate.to_owned()))
    );
    let limits = all(async |page_size, page_token| {
        let workspace_id = ACME.to_owned();
        let request = v1::ListModelLimitsRequest {
            workspace_id,
            page_size,
            page_token,
            ..Default::default()
        };
        let listed = server.model_limit().list_model_limits(request).await?.into_inner();
        Ok((listed.model_limits, listed.next_page_token))
    });
    assert_eq!(limits.await.len(), 2);
}

#[tokio::test]
async fn a_token_belongs_to_its_list_and_filter() {
    let server = acme().await;
    create_workspace(&server, "other").await;
    for id in ["r-1", "r-2"] {
        server.usage().record_usage(record(id, "big")).await.unwrap();
    }
    let request = v1::ListUsageRecordsRequest {
        workspace_id: ACME.to_owned(),
        page_size: 1,
        ..Default::default()
    };
    let listed = server.usage().list_usage_records(request.clone()).await.unwrap().into_inner();
    let page_token = listed.next_page_token;
    let with_token = v1::ListUsageRecordsRequest { page_token: page_token.clone(), ..request };
    for other in [
        v1::ListUsageRecordsRequest { workspace_id: "other".to_owned(), ..with_token.clone() },
        v1::ListUsageRecordsRequest { model_id: "big".to_owned(), ..with_token.clone() },
        v1::ListUsageRecordsRequest {
            start_time: Some(prost_types::Timestamp::default()),
            ..with_token.clone()
        },
    ] {
        let status = server.usage().list_usage_records(other).await.unwrap_err();
        assert_eq!(refused_fields(&status), ["page_token"]);
    }
    let request = v1::ListWorkspacesRequest { page_size: 1, page_token, ..Default::default() };
    let status = server.workspace().list_workspaces(request).await.unwrap_err();
    assert_eq!(refused_fields(&status), ["page_token"]);
    // Its own list takes it, with another size, too.
    let request = v1::ListUsageRecordsRequest { page_size: 7, ..with_token };
    let listed = server.usage().list_usage_records(request).await.unwrap().into_inner();
    assert_eq!(listed.records.len(), 1);
}
