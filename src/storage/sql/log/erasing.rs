//! Erasures that have begun and not ended, as entries of the log are read: with the pseudonym.

use arc_swap::ArcSwap;

use crate::domain::record::Record;
use crate::storage::directory::Erasure;
use crate::storage::settings::Change;

/// The user of a row of `usage_records`, or the pseudonym once its erasure has begun.
pub const USER_OR_PSEUDONYM: &str = "\
    COALESCE((SELECT pseudonym FROM erasures \
    WHERE erasures.workspace_id = usage_records.workspace_id \
    AND erasures.user_id = usage_records.user_id AND usage_records.seq <= erasures.seq), user_id)";

/// Each with its workspace.
pub type Begun = Vec<(String, Erasure)>;

/// Those of a database that this server changes alone.
#[derive(Default)]
pub struct Erasing(ArcSwap<Begun>);

impl Erasing {
    pub fn set(&self, begun: Begun) {
        self.0.store(begun.into());
    }

    pub fn is_any(&self) -> bool {
        !self.0.load().is_empty()
    }

    /// Notes what has been committed.
    pub fn note(&self, workspace_id: &str, changes: &[Change]) {
        for change in changes {
            match change {
                Change::EraseUser(erasure) => self.0.rcu(|begun| {
                    let mut begun = without(begun, workspace_id, &erasure.pseudonym);
                    begun.push((workspace_id.to_owned(), erasure.clone()));
                    begun
                }),
                Change::EndErasure(pseudonym) => {
                    self.0.rcu(|begun| without(begun, workspace_id, pseudonym))
                }
                _ => continue,
            };
        }
    }

    /// What `read` finds, with the pseudonyms of erasures that had begun before it reads: one that
    /// ends meanwhile is not missed.
    pub async fn renamed<E>(
        &self,
        read: impl Future<Output = Result<Vec<Record>, E>>,
    ) -> Result<Vec<Record>, E> {
        let begun = self.0.load_full();
        let mut records = read.await?;
        rename(&begun, &mut records);
        Ok(records)
    }
}

fn without(begun: &Begun, workspace_id: &str, pseudonym: &str) -> Begun {
    let is_it = |it: &&(String, Erasure)| it.0 == workspace_id && it.1.pseudonym == pseudonym;
    begun.iter().filter(|it| !is_it(it)).cloned().collect()
}

/// Gives entries the pseudonyms of erasures that have begun.
pub fn rename(begun: &Begun, records: &mut [Record]) {
    for (workspace_id, erasure) in begun {
        let of_user = records.iter_mut().filter(|record| {
            record.seq <= erasure.seq
                && record.attribution.user_id == erasure.user_id
                && *record.workspace_id == **workspace_id
        });
        for record in of_user {
            erasure.pseudonym.clone_into(&mut record.attribution.user_id);
        }
    }
}
