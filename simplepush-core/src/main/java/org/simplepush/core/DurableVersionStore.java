package org.simplepush.core;

import java.util.Optional;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;

/**
 * A store that outlives the process, and so must also outlive the keys of its endpoints: an
 * endpoint is of no use once no server has the key that issued it. Beside the user agents it keeps
 * one <em>key record</em>, in which push servers write down which keys have issued endpoints, and
 * the keys themselves unless their operator hands some in (protocol §8). A server that is handed
 * such a store uses the record without further settings.
 *
 * <p>To the store the record is a text that it neither reads nor changes. It is secret, at most
 * some kilobytes, read often and written a few times a year. Nothing but {@link #replaceKeyRecord}
 * changes it: it does not expire, and it stays when user agents are dropped.
 *
 * <p>The rules of {@link VersionStore} for threads, stages and failures hold here too. A new store
 * extends the published contract test {@code DurableVersionStoreContract}.
 *
 * @since 0.1
 */
public interface DurableVersionStore extends VersionStore {
  /**
   * Returns the key record.
   *
   * @return the text that was written last; empty if none ever was
   */
  CompletionStage<Optional<String>> keyRecord();

  /**
   * Replaces the key record if it still is what the caller has read. Of several that replace the
   * same record at the same time, one succeeds.
   *
   * @param expected the record as it was read, or null if there was none
   * @param replacement the new record, not empty
   * @return whether the record was replaced; if not, nothing was changed
   * @throws IllegalArgumentException if {@code replacement} is empty
   */
  CompletionStage<Boolean> replaceKeyRecord(@Nullable String expected, String replacement);

  /**
   * Finds out whether there is any user agent. It may look through the whole store: not to be asked
   * often.
   *
   * @return whether there is one
   */
  CompletionStage<Boolean> hasUserAgents();
}
