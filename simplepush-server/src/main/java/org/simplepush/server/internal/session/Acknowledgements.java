package org.simplepush.server.internal.session;

import java.util.List;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;
import org.simplepush.core.ClientMessage;
import org.simplepush.core.Uaid;
import org.simplepush.core.Update;
import org.simplepush.core.VersionStore;
import org.simplepush.server.internal.Counters;

/**
 * Where acknowledgements go.
 *
 * @param receipts hears what they have cleared; null if nothing does
 */
public record Acknowledgements(VersionStore store, Counters counters, @Nullable Receipts receipts) {
  /** Even if the connection has ended when the store has it, it was acknowledged. */
  CompletionStage<List<Update>> store(Uaid uaid, ClientMessage.Ack ack) {
    counters.updatesAcknowledged.add(ack.updates().size());
    CompletionStage<List<Update>> stored = store.acknowledge(uaid, ack.updates());
    Receipts hears = receipts;
    return hears == null
        ? stored
        : stored.whenComplete(
            (cleared, failure) -> {
              if (cleared != null) {
                hears.acknowledged(uaid, ack, cleared);
              }
            });
  }
}
