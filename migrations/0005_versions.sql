DROP INDEX `users_created_at`;--> statement-breakpoint
CREATE INDEX `users_living` ON `users` (`created_at`,`id`) WHERE deleted_at IS NULL;--> statement-breakpoint
ALTER TABLE `api_keys` ADD `version` integer DEFAULT 1 NOT NULL;--> statement-breakpoint
ALTER TABLE `roles` ADD `version` integer DEFAULT 1 NOT NULL;