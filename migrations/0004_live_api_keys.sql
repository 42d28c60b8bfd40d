CREATE INDEX `api_keys_user_state` ON `api_keys` (`user_id`,(revoked_at IS NULL),`id`);--> statement-breakpoint
CREATE INDEX `api_keys_state` ON `api_keys` ((revoked_at IS NULL),`id`);