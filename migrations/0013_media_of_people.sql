-- Whether somebody may have media is asked of his pairs, of which there are few, and not of the messages that carry them.

-- All locks at once, so that no index is built in vain: the last line needs this one, also against readers.
lock table conversations in share mode;
lock table messages in access exclusive mode;
create index conversations_of_high on conversations (high_id);
create index messages_carrying on messages (media_id, conversation_id) where media_id is not null;
drop index messages_of_media;
