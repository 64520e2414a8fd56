-- Secrets of webhooks that are encrypted. In the types of 0001.

-- `secret` and `old_secret` of webhooks are base64 where they are plain; encrypted they are `v1:`,
-- the id of the key in hexadecimal, a colon, and the base64 of nonce, ciphertext and tag.

-- Whether files of the database may hold a plain secret, also one that was replaced or deleted.
ALTER TABLE owner ADD COLUMN plain_secrets BOOLEAN NOT NULL DEFAULT FALSE;
UPDATE owner SET plain_secrets = TRUE WHERE EXISTS (SELECT 1 FROM webhooks)
    OR EXISTS (SELECT 1 FROM audit_events WHERE resource_type = 'webhook');
