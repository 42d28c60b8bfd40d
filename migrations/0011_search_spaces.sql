-- Every Unicode space in a name begins a word of the search index, not only U+0020. NFC has replaced U+2000 and U+2001.
DROP VIEW `users_search_text`;--> statement-breakpoint
-- What the search index has of a user. `text` is made of words, each after a space or another separator and two characters U+0001,
-- which no name contains: so words of one or two characters can be searched as the beginning of a word. `state` is what filters select.
CREATE VIEW `users_search_text` AS SELECT `id`, `seq`,
	char(2) || iif(`deleted_at` IS NULL, 'd0', 'd1') || char(2) || 'a' || `is_active` || char(2) || 'v' || `email_verified`
	|| char(2) || 'r' || `role` || char(2) AS `state`,
	replace(replace(replace(replace(replace(replace(replace(
		' ' || `username` || ' ' || `email` || ' ' || replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(
			coalesce(`first_name`, '') || ' ' || coalesce(`last_name`, ''), char(160), ' '), char(5760), ' '), char(8194), ' '), char(8195), ' '), char(8196), ' '),
			char(8197), ' '), char(8198), ' '), char(8199), ' '), char(8200), ' '), char(8201), ' '),
			char(8202), ' '), char(8239), ' '), char(8287), ' '), char(12288), ' '),
		' ', ' ' || char(1, 1)), '.', '.' || char(1, 1)), '_', '_' || char(1, 1)), '-', '-' || char(1, 1)),
		'@', '@' || char(1, 1)), '+', '+' || char(1, 1)), '''', '''' || char(1, 1)) AS `text`
FROM `users`;--> statement-breakpoint
INSERT OR REPLACE INTO `users_search` (`rowid`, `state`, `text`) SELECT `seq`, `state`, `text` FROM `users_search_text` WHERE `id` IN (
	SELECT `id` FROM `users` WHERE coalesce(`first_name`, '') || coalesce(`last_name`, '')
		GLOB '*[' || char(160, 5760, 8194) || '-' || char(8202, 8239, 8287, 12288) || ']*'
);
