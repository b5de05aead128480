-- Of which e-mail address its owner agreed to something, as a hash: who has another one now is asked again where a shop
-- asks. '' of what was said before.

ALTER TABLE messages_consent ADD email_hash text NOT NULL DEFAULT '';
