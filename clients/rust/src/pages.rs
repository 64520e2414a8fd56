//! The pages of List calls.

use std::collections::HashSet;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;
use tonic::Status;

use crate::transport::Transport;
use crate::v1;

/// A page that is on its way.
pub type Sending<P> = Pin<Box<dyn Future<Output = Result<P, Status>> + Send>>;

/// A request of a List call that has pages. Every one of the API is; it is not for others.
pub trait List: Clone + Send + Unpin + 'static {
    /// A page.
    type Page: Send + 'static;

    #[doc(hidden)]
    fn page_token(&mut self) -> &mut String;

    #[doc(hidden)]
    fn next_page_token(page: &Self::Page) -> &str;

    #[doc(hidden)]
    fn send(self, transport: Transport) -> Sending<Self::Page>;
}

macro_rules! list {
    ($request:ident, $page:ident, $service:ident::$client:ident, $method:ident) => {
        impl List for v1::$request {
            type Page = v1::$page;

            fn page_token(&mut self) -> &mut String {
                &mut self.page_token
            }

            fn next_page_token(page: &v1::$page) -> &str {
                &page.next_page_token
            }

            fn send(self, transport: Transport) -> Sending<v1::$page> {
                Box::pin(async move {
                    let mut stub = v1::$service::$client::new(transport);
                    stub.$method(self).await.map(tonic::Response::into_inner)
                })
            }
        }
    };
}

include!(concat!(env!("OUT_DIR"), "/lists.rs"));

/// The pages of a List call, from [`Client::pages`](crate::Client::pages): [`next`](Self::next) by
/// next, or as a [`Stream`]. Each page is asked for when it is needed; an error is the last that comes.
#[must_use]
pub struct Pages<Q: List> {
    /// Absent at the end.
    request: Option<Q>,
    asked: Option<Sending<Q::Page>>,
    seen: HashSet<String>,
    send: Box<dyn FnMut(Q) -> Sending<Q::Page> + Send>,
}

impl<Q: List> Pages<Q> {
    pub(crate) fn new<F>(mut request: Q, send: F) -> Self
    where
        F: FnMut(Q) -> Sending<Q::Page> + Send + 'static,
    {
        let seen = HashSet::from([request.page_token().clone()]);
        Self { request: Some(request), asked: None, seen, send: Box::new(send) }
    }

    /// The next page; nothing after the last. It fails with what the call fails with, and with
    /// `INTERNAL` if the server gives a page token again, as there would be no end.
    pub async fn next(&mut self) -> Option<Result<Q::Page, Status>> {
        std::future::poll_fn(|context| Pin::new(&mut *self).poll_next(context)).await
    }

    /// Finds what follows a page.
    fn follow(&mut self, page: &Q::Page) {
        let token = Q::next_page_token(page);
        if token.is_empty() {
            self.request = None;
        } else if self.seen.insert(token.to_owned()) {
            if let Some(request) = &mut self.request {
                token.clone_into(request.page_token());
            }
        } else {
            let repeated = Status::internal("the server gave a page token again");
            self.asked = Some(Box::pin(std::future::ready(Err(repeated))));
        }
    }
}

impl<Q: List> Stream for Pages<Q> {
    type Item = Result<Q::Page, Status>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let pages = &mut *self;
        let asked = match &mut pages.asked {
            Some(asked) => asked,
            none => {
                let Some(request) = &pages.request else { return Poll::Ready(None) };
                none.insert((pages.send)(request.clone()))
            }
        };
        let Poll::Ready(answer) = asked.as_mut().poll(context) else { return Poll::Pending };
        pages.asked = None;
        match &answer {
            Ok(page) => pages.follow(page),
            Err(_) => pages.request = None,
        }
        Poll::Ready(Some(answer))
    }
}

impl<Q: List> fmt::Debug for Pages<Q> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Pages").field("seen", &self.seen.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LISTS: &str = include_str!(concat!(env!("OUT_DIR"), "/lists.rs"));
    const STUBS: &str = include_str!(concat!(env!("OUT_DIR"), "/tollgate.v1.rs"));

    #[test]
    fn every_request_with_a_page_token_is_a_list() {
        let tokens = STUBS.lines().filter(|line| line.trim().starts_with("pub page_token: "));
        assert_eq!(LISTS.lines().count(), tokens.count());
        assert!(LISTS.lines().count() > 25, "{LISTS}");
    }

    #[tokio::test]
    async fn a_repeated_token_is_an_error() {
        for tokens in [&["a", "a"][..], &["a", "b", "a"], &["begin"]] {
            let mut rest = tokens.iter();
            let request =
                v1::ListModelsRequest { page_token: "begin".into(), ..Default::default() };
            let mut pages = Pages::new(request, move |_| {
                let next_page_token = (*rest.next().unwrap()).to_owned();
                let page = v1::ListModelsResponse { next_page_token, ..Default::default() };
                Box::pin(std::future::ready(Ok(page)))
            });
            for _ in tokens {
                assert!(pages.next().await.unwrap().is_ok(), "{pages:?}");
            }
            let error = pages.next().await.unwrap().unwrap_err();
            assert!(error.message().contains("page token again"), "{error}");
            assert!(pages.next().await.is_none());
        }
    }
}
