-- Lists and searches that filter by whether users have a second factor. The search index is written anew, because each row has it.
DROP INDEX `users_by_created_at`;--> statement-breakpoint
DROP INDEX `users_by_updated_at`;--> statement-breakpoint
DROP INDEX `users_by_username`;--> statement-breakpoint
DROP INDEX `users_by_email`;--> statement-breakpoint
DROP INDEX `users_by_last_login_at`;--> statement-breakpoint
DROP INDEX `users_by_role_created_at`;--> statement-breakpoint
DROP INDEX `users_by_role_updated_at`;--> statement-breakpoint
DROP INDEX `users_by_role_username`;--> statement-breakpoint
DROP INDEX `users_by_role_email`;--> statement-breakpoint
DROP INDEX `users_by_role_last_login_at`;--> statement-breakpoint
CREATE INDEX `users_by_created_at` ON `users` ((deleted_at IS NULL),(role = 'user'),`is_active`,`email_verified`,`mfa_enabled`,`created_at`,`id`);--> statement-breakpoint
CREATE INDEX `users_by_updated_at` ON `users` ((deleted_at IS NULL),(role = 'user'),`is_active`,`email_verified`,`mfa_enabled`,`updated_at`,`id`);--> statement-breakpoint
CREATE INDEX `users_by_username` ON `users` ((deleted_at IS NULL),(role = 'user'),`is_active`,`email_verified`,`mfa_enabled`,`username_key`,`id`);--> statement-breakpoint
CREATE INDEX `users_by_email` ON `users` ((deleted_at IS NULL),(role = 'user'),`is_active`,`email_verified`,`mfa_enabled`,`email_key`,`id`);--> statement-breakpoint
CREATE INDEX `users_by_last_login_at` ON `users` ((deleted_at IS NULL),(role = 'user'),`is_active`,`email_verified`,`mfa_enabled`,`last_login_key`,`id`);--> statement-breakpoint
CREATE INDEX `users_by_role_created_at` ON `users` ((deleted_at IS NULL),`role`,`is_active`,`email_verified`,`mfa_enabled`,`created_at`,`id`) WHERE role <> 'user';--> statement-breakpoint
CREATE INDEX `users_by_role_updated_at` ON `users` ((deleted_at IS NULL),`role`,`is_active`,`email_verified`,`mfa_enabled`,`updated_at`,`id`) WHERE role <> 'user';--> statement-breakpoint
CREATE INDEX `users_by_role_username` ON `users` ((deleted_at IS NULL),`role`,`is_active`,`email_verified`,`mfa_enabled`,`username_key`,`id`) WHERE role <> 'user';--> statement-breakpoint
CREATE INDEX `users_by_role_email` ON `users` ((deleted_at IS NULL),`role`,`is_active`,`email_verified`,`mfa_enabled`,`email_key`,`id`) WHERE role <> 'user';--> statement-breakpoint
CREATE INDEX `users_by_role_last_login_at` ON `users` ((deleted_at IS NULL),`role`,`is_active`,`email_verified`,`mfa_enabled`,`last_login_key`,`id`) WHERE role <> 'user';--> statement-breakpoint
DROP TRIGGER `users_search_insert`;--> statement-breakpoint
DROP TRIGGER `users_search_update`;--> statement-breakpoint
DROP TRIGGER `users_search_delete`;--> statement-breakpoint
DROP TABLE `users_search`;--> statement-breakpoint
DROP VIEW `users_search_text`;--> statement-breakpoint
-- What the search index has of a user. `text` is made of words, each after a space or another separator and two characters U+0001,
-- which no name contains: so words of one or two characters can be searched as the beginning of a word. `state` is what filters select.
CREATE VIEW `users_search_text` AS SELECT `id`, `seq`,
	char(2) || iif(`deleted_at` IS NULL, 'd0', 'd1') || char(2) || 'a' || `is_active` || char(2) || 'v' || `email_verified`
	|| char(2) || 'm' || `mfa_enabled` || char(2) || 'r' || `role` || char(2) AS `state`,
	replace(replace(replace(replace(replace(replace(replace(
		' ' || `username` || ' ' || `email` || ' ' || replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(
			coalesce(`first_name`, '') || ' ' || coalesce(`last_name`, ''), char(160), ' '), char(5760), ' '), char(8194), ' '), char(8195), ' '), char(8196), ' '),
			char(8197), ' '), char(8198), ' '), char(8199), ' '), char(8200), ' '), char(8201), ' '),
			char(8202), ' '), char(8239), ' '), char(8287), ' '), char(12288), ' '),
		' ', ' ' || char(1, 1)), '.', '.' || char(1, 1)), '_', '_' || char(1, 1)), '-', '-' || char(1, 1)),
		'@', '@' || char(1, 1)), '+', '+' || char(1, 1)), '''', '''' || char(1, 1)) AS `text`
FROM `users`;--> statement-breakpoint
CREATE VIRTUAL TABLE `users_search` USING fts5(`state`, `text`, content='', contentless_delete=1, tokenize='trigram remove_diacritics 1');--> statement-breakpoint
INSERT INTO `users_search` (`rowid`, `state`, `text`) SELECT `seq`, `state`, `text` FROM `users_search_text`;--> statement-breakpoint
CREATE TRIGGER `users_search_insert` AFTER INSERT ON `users`
BEGIN
	UPDATE `users` SET `seq` = (SELECT coalesce(max(`seq`), 0) + 1 FROM `users`) WHERE `id` = NEW.`id` AND `seq` IS NULL;
	INSERT OR REPLACE INTO `users_search` (`rowid`, `state`, `text`) SELECT `seq`, `state`, `text` FROM `users_search_text` WHERE `id` = NEW.`id`;
END;--> statement-breakpoint
CREATE TRIGGER `users_search_update` AFTER UPDATE OF `username`, `email`, `first_name`, `last_name`, `role`, `is_active`, `email_verified`, `mfa_enabled`, `deleted_at` ON `users`
BEGIN
	INSERT OR REPLACE INTO `users_search` (`rowid`, `state`, `text`) SELECT `seq`, `state`, `text` FROM `users_search_text` WHERE `id` = NEW.`id`;
END;--> statement-breakpoint
CREATE TRIGGER `users_search_delete` AFTER DELETE ON `users`
BEGIN
	DELETE FROM `users_search` WHERE `rowid` = OLD.`seq`;
END;
