package org.simplepush.server.internal.keys;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.simplepush.core.DurableVersionStore;
import org.simplepush.core.SharedVersionStore;
import org.simplepush.core.StoreException;
import org.simplepush.core.VersionStore;
import org.simplepush.server.EndpointKeysException;
import org.simplepush.server.internal.EndpointTokens;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Sees to it that the keys of this server are those of its store (protocol §8). At the start it
 * agrees with the store on the keys or refuses; a server that shares its store compares now and
 * then.
 *
 * <p>Servers that share a store may be started with different keys, and one may change the record
 * while another runs. Two things keep a device from an endpoint that only some servers know, and an
 * endpoint from a 404 where it is only a key that is not known yet:
 *
 * <ul>
 *   <li>A server hands out endpoints, and says that there is no such endpoint, only while it is
 *       <em>certain</em> of the keys: it has compared within the last two intervals, and found them
 *       in order. One that is not compares first.
 *   <li>What would make others wrong waits until they have compared or are not certain any more: a
 *       new key issues only when it has been in the record for longer than that, and user agents
 *       that start over with other keys are dropped only then.
 * </ul>
 *
 * <p>Safe for use by many threads.
 */
public final class KeyKeeper implements EndpointTokens.Certainty {
  /** What the operator has said about keys. */
  public record Settings(
      @Nullable List<byte[]> keys,
      @Nullable Path keyFile,
      boolean startOver,
      boolean rotate,
      Duration interval) {}

  private static final Logger log = LoggerFactory.getLogger(KeyKeeper.class);

  /** For how many intervals a comparison makes certain. */
  private static final int CERTAIN = 2;

  /** After how many intervals no server is certain of what it read before; one is for delays. */
  private static final int ALL_KNOW = CERTAIN + 1;

  private static final String OR_START_OVER = ", or let every user agent start over (--start-over)";

  private final VersionStore store;
  private final Settings settings;
  private final InstantSource clock;
  private final Runnable startedOver;
  private final EndpointTokens tokens = new EndpointTokens(this);
  private final AtomicReference<@Nullable CompletableFuture<Void>> comparing =
      new AtomicReference<>();

  /** The keys that were handed in, by {@link #start}; null if the store keeps all. */
  private @Nullable List<byte[]> given;

  /** Null if the store keeps no record, or before {@link #start}. */
  private volatile @Nullable Agreed agreed;

  /** By {@link System#nanoTime()}. */
  private volatile long certainUntil;

  /** How often user agents had started over when that was last looked at. */
  private volatile long startedOverSeen;

  /** Why the keys are not in order, for the operator; null if they are. */
  private volatile @Nullable String trouble;

  /**
   * What this server and its store agreed on.
   *
   * @param keys those of this server, the issuing one first
   * @param nextSince when this server learnt the key that is to issue next
   */
  private record Agreed(KeyRecord record, List<byte[]> keys, long nextSince) {
    boolean has(String fingerprint) {
      return fingerprints(keys).contains(fingerprint);
    }

    String issuing() {
      return KeyRecord.fingerprintOf(keys.get(0));
    }
  }

  /**
   * Keeps the keys of one server.
   *
   * @param clock says since when a key issues
   * @param startedOver called when another server made all user agents start over, or the store has
   *     lost its keys: whoever is connected is to be compared with it
   */
  public KeyKeeper(
      VersionStore store, Settings settings, InstantSource clock, Runnable startedOver) {
    this.store = store;
    this.settings = settings;
    this.clock = clock;
    this.startedOver = startedOver;
  }

  /** What the keys are for; it knows none before {@link #start}. */
  public EndpointTokens tokens() {
    return tokens;
  }

  /** Whether other servers may change the record. */
  public boolean isShared() {
    return store instanceof SharedVersionStore && store instanceof DurableVersionStore;
  }

  // The start

  /**
   * Agrees with the store on the keys, and lets every user agent start over if it was told to.
   *
   * @throws EndpointKeysException if the keys do not belong to the store
   * @throws IOException if the store fails
   */
  public void start() throws IOException {
    if (store instanceof DurableVersionStore durable) {
      agree(durable);
    } else {
      useForThisProcess();
    }
  }

  /** A store that does not last knows of no key. */
  private void useForThisProcess() throws IOException {
    List<byte[]> keys = keysHandedIn(false);
    if (keys == null) {
      log.warn(
          "No endpoint keys are set and the store keeps none:"
              + " every endpoint dies with this process");
      keys = List.of(EndpointTokens.randomKey());
    }
    if (settings.startOver()) {
      dropEverybody();
    }
    tokens.use(keys);
  }

  private void agree(DurableVersionStore durable) throws IOException {
    while (true) {
      long asked = System.nanoTime();
      String text = await(durable.keyRecord()).orElse(null);
      boolean hasUserAgents = true;
      if (text == null) {
        hasUserAgents = await(durable.hasUserAgents());
        // Again: another server may have written it meanwhile, and these are its user agents.
        text = await(durable.keyRecord()).orElse(null);
      }
      KeyRecord before = text == null ? null : KeyRecord.parse(text);
      boolean isNew = before == null && !hasUserAgents;
      // After the record: who makes a key file does so before it writes the record.
      given = keysHandedIn(!settings.startOver() && !isNew);
      KeyRecord record = decide(before, hasUserAgents, given);
      if (before == null) {
        record = record.withNewMark();
      }
      if (!isShared()) {
        record = record.rotated(now()); // nobody else has to know the key first
      }
      String wanted = record.text();
      if (wanted.equals(text) || await(durable.replaceKeyRecord(text, wanted))) {
        adopt(record, asked);
        startedOverSeen = record.startedOver();
        if (record.startingOver()) {
          startOver(durable, before, record);
        }
        warn(record);
        return;
      }
    }
  }

  /** Returns null if there are none. */
  private @Nullable List<byte[]> keysHandedIn(boolean fileMustExist) throws IOException {
    Path file = settings.keyFile();
    if (file == null) {
      return settings.keys();
    }
    if (Files.notExists(file)) {
      if (fileMustExist) {
        throw new EndpointKeysException(
            "The key file "
                + file
                + " does not exist, and is not made because the store has keys or user agents:"
                + " put it back, or leave it out if the store keeps the keys"
                + OR_START_OVER);
      }
      KeyFile.create(file);
    }
    return KeyFile.read(file);
  }

  /** Returns the record that is right from now on; it may be the one before. */
  private KeyRecord decide(
      @Nullable KeyRecord before, boolean hasUserAgents, @Nullable List<byte[]> given)
      throws IOException {
    if (settings.startOver()) {
      return rotating(before, decideStartingOver(before, given));
    }
    if (before == null) {
      return decideFirst(hasUserAgents, given);
    }
    KeyRecord.Entry last = before.last();
    String since = Instant.ofEpochMilli(last.since()).truncatedTo(ChronoUnit.SECONDS).toString();
    if (given == null) {
      if (!last.isKept()) {
        throw new EndpointKeysException(
            "The endpoints of this store have been issued since "
                + since
                + " with a key that was handed in, which the store does not keep: hand it in again"
                + " (--key-file)"
                + OR_START_OVER);
      }
      return rotating(before, before);
    }
    if (!last.isKept() && !fingerprints(given).contains(last.fingerprint())) {
      throw new EndpointKeysException(
          "The endpoints of this store have been issued since "
              + since
              + " with a key that is not among those handed in: hand it in too (--key-file)"
              + OR_START_OVER);
    }
    return before.issuedBy(given, now());
  }

  private KeyRecord decideFirst(boolean hasUserAgents, @Nullable List<byte[]> given)
      throws IOException {
    if (given == null) {
      if (hasUserAgents) {
        throw new EndpointKeysException(
            "The store has user agents, but no record of the keys of their endpoints, as an older"
                + " version left it: hand in the keys used until now (--key-file)"
                + OR_START_OVER);
      }
      return KeyRecord.of(List.of(newKey()));
    }
    List<KeyRecord.Entry> entries = new ArrayList<>();
    // An older version may have issued with any of them.
    for (byte[] key : hasUserAgents ? given : given.subList(0, 1)) {
      entries.add(0, KeyRecord.Entry.handedIn(key, now()));
    }
    return KeyRecord.of(entries);
  }

  /** Endpoints of before are of no use any more, and so are keys that are not here. */
  private KeyRecord decideStartingOver(@Nullable KeyRecord before, @Nullable List<byte[]> given) {
    List<KeyRecord.Entry> entries = new ArrayList<>();
    if (given != null) {
      entries.add(KeyRecord.Entry.handedIn(given.get(0), now()));
    } else if (before != null) {
      before.issued().stream().filter(KeyRecord.Entry::isKept).forEach(entries::add);
    }
    if (entries.isEmpty()) {
      entries.add(newKey());
    }
    KeyRecord from = before == null ? KeyRecord.of(entries) : before;
    return from.startingOver(entries);
  }

  private KeyRecord rotating(@Nullable KeyRecord before, KeyRecord record) {
    return settings.rotate() && before != null
        ? record.withNext(EndpointTokens.randomKey())
        : record;
  }

  private KeyRecord.Entry newKey() {
    return KeyRecord.Entry.kept(EndpointTokens.randomKey(), now());
  }

  /** Drops all user agents; a server that was stopped in the middle goes on when it is started. */
  private void startOver(DurableVersionStore durable, @Nullable KeyRecord before, KeyRecord record)
      throws IOException {
    boolean othersMayIssue =
        before != null && (before.startingOver() || !agreed().has(before.last().fingerprint()));
    if (isShared() && othersMayIssue) {
      log.info("Waiting until other servers of this store have noticed that the keys are others");
      sleep(ALL_KNOW * settings.interval().toNanos());
    }
    dropEverybody();
    KeyRecord now = record;
    while (now.startingOver()) {
      long asked = System.nanoTime();
      KeyRecord after = now.afterStartingOver();
      if (await(durable.replaceKeyRecord(now.text(), after.text()))) {
        adopt(after, asked);
        startedOverSeen = after.startedOver();
        return;
      }
      Optional<String> text = await(durable.keyRecord());
      now = text.isEmpty() ? record : KeyRecord.parse(text.get());
    }
  }

  private void dropEverybody() throws IOException {
    int dropped = await(store.expire(Duration.ZERO));
    log.warn("{} user agents were dropped: each starts over at its next hello", dropped);
  }

  private void warn(KeyRecord record) {
    List<KeyRecord.Entry> missing = record.missing(fingerprints(agreed().keys()));
    if (!missing.isEmpty()) {
      log.warn(
          "{} of the keys that have issued endpoints of this store are missing: these endpoints are"
              + " answered 404 until the keys are handed in again",
          missing.size());
    }
    if (given != null && !record.kept().isEmpty()) {
      log.warn(
          "Endpoints that were issued with keys kept in the store go on working: a copy of the store"
              + " can forge these until all user agents have started over");
    }
  }

  // Running servers

  @Override
  public boolean isCertain() {
    return !isShared() || (trouble == null && System.nanoTime() - certainUntil < 0);
  }

  @Override
  public CompletionStage<Boolean> makeCertain() {
    if (isCertain()) {
      return CompletableFuture.completedStage(true);
    }
    // A comparison under way may have been asked for too long ago to make certain.
    return compare()
        .thenCompose(done -> isCertain() ? CompletableFuture.completedStage(null) : compare())
        .handle((done, failure) -> isCertain());
  }

  /**
   * For the server's health.
   *
   * @return completes normally if the keys are in order; fails with {@link StoreException}
   */
  public CompletionStage<Void> check() {
    if (agreed == null || !isShared()) {
      return CompletableFuture.completedStage(null);
    }
    return compare()
        .thenAccept(
            done -> {
              String sentence = trouble;
              if (sentence != null) {
                throw new StoreException(sentence);
              }
            });
  }

  /** Called now and then, and after a connection to a shared store was made anew. */
  public void tend() {
    if (isShared()) {
      compare()
          .whenComplete(
              (done, failure) -> {
                if (failure != null) {
                  log.debug("The keys could not be compared with those of the store", failure);
                }
              });
    }
  }

  /**
   * Compares the keys with the record, whether or not they are in order; several who ask at a time
   * share an answer.
   */
  private CompletionStage<Void> compare() {
    CompletableFuture<Void> mine = new CompletableFuture<>();
    CompletableFuture<Void> running = comparing.compareAndExchange(null, mine);
    if (running != null) {
      return running;
    }
    CompletionStage<Void> compared;
    try {
      compared = compareOnce((DurableVersionStore) store);
    } catch (RuntimeException e) {
      compared = CompletableFuture.failedStage(e); // a store that breaks its contract
    }
    compared.whenComplete(
        (done, failure) -> {
          comparing.set(null);
          if (failure == null) {
            mine.complete(null);
          } else {
            mine.completeExceptionally(failure);
          }
        });
    return mine;
  }

  private CompletionStage<Void> compareOnce(DurableVersionStore durable) {
    long asked = System.nanoTime();
    return durable.keyRecord().thenCompose(text -> compareWith(durable, text, asked));
  }

  private CompletionStage<Void> compareWith(
      DurableVersionStore durable, Optional<String> text, long asked) {
    KeyRecord found;
    try {
      found = text.isEmpty() ? agreed().record() : KeyRecord.parse(text.get());
    } catch (EndpointKeysException e) {
      inTrouble(String.valueOf(e.getMessage()));
      return CompletableFuture.completedStage(null);
    }
    KeyRecord right = rightInsteadOf(found);
    if (right == null) {
      inTrouble(
          ("The store says that its endpoints have been issued since %s with a key that this server"
                  + " does not have: a server with other keys uses it, or another store was restored."
                  + " Give all its servers the same keys, and start this one again")
              .formatted(Instant.ofEpochMilli(found.last().since())));
      hearOfStartingOver(found);
      return CompletableFuture.completedStage(null);
    }
    if (text.isEmpty()) {
      right = right.withNewMark(); // by which the other servers know what has happened
    }
    String wanted = right.text();
    if (wanted.equals(text.orElse(null))) {
      inOrder(right, asked);
      return CompletableFuture.completedStage(null);
    }
    KeyRecord replacement = right;
    return durable
        .replaceKeyRecord(text.orElse(null), wanted)
        .thenCompose(
            replaced -> {
              if (replaced) {
                log.info("The store's record of the endpoint keys was brought up to date");
                inOrder(replacement, asked);
                return CompletableFuture.completedStage(null);
              }
              return compareOnce(durable); // another server was first
            });
  }

  /** Returns the record as it should be, or null if it is that of other keys. */
  private @Nullable KeyRecord rightInsteadOf(KeyRecord found) {
    Agreed mine = agreed();
    boolean mineIsThere = found.holds(mine.issuing());
    boolean theirsIsHere = mine.has(found.last().fingerprint());
    boolean rotated = given == null && mineIsThere && found.last().isKept();
    boolean deliberate = found.startedOver() > mine.record().startedOver() || found.startingOver();
    if ((!theirsIsHere && !rotated) || (!mineIsThere && deliberate)) {
      return null;
    }
    // What an older copy of the store lacks.
    KeyRecord right = deliberate ? found : found.withMissingOf(mine.record());
    boolean nextIsKnown =
        right.next() != null
            && right.next().equals(mine.record().next())
            && System.nanoTime() - mine.nextSince() > ALL_KNOW * settings.interval().toNanos();
    return nextIsKnown ? right.rotated(now()) : right;
  }

  private void inTrouble(String sentence) {
    if (trouble == null) {
      log.error("{}", sentence);
    }
    trouble = sentence;
  }

  private void inOrder(KeyRecord record, long asked) {
    if (trouble != null) {
      log.info("The keys of the store are those of this server again");
    }
    trouble = null;
    hearOfStartingOver(record);
    hearOfLoss(record);
    adopt(record, asked);
  }

  private void hearOfStartingOver(KeyRecord record) {
    if (record.startedOver() > startedOverSeen) {
      startedOverSeen = record.startedOver();
      startedOver.run();
    }
  }

  /** A record that was put back: what else was in the store is gone, too, or older. */
  private void hearOfLoss(KeyRecord record) {
    String mark = record.mark();
    if (mark != null && !mark.equals(agreed().record().mark())) {
      log.warn(
          "The store had lost its record of the endpoint keys, and perhaps user agents with it:"
              + " all devices that are connected here are compared with it");
      startedOver.run();
    }
  }

  private void adopt(KeyRecord record, long asked) {
    Agreed before = agreed;
    if (before == null || !before.record().equals(record)) {
      List<byte[]> keys = new ArrayList<>();
      if (given != null) {
        keys.addAll(given);
      }
      keys.addAll(record.kept());
      boolean knewNext = before != null && Objects.equals(record.next(), before.record().next());
      long nextSince = before != null && knewNext ? before.nextSince() : asked;
      agreed = new Agreed(record, keys, nextSince);
      tokens.use(keys);
    }
    certainUntil = asked + CERTAIN * settings.interval().toNanos();
  }

  private Agreed agreed() {
    Agreed now = agreed;
    if (now == null) {
      throw new IllegalStateException("The keys were not agreed on");
    }
    return now;
  }

  private long now() {
    return clock.millis();
  }

  private static Set<String> fingerprints(List<byte[]> keys) {
    Set<String> fingerprints = new HashSet<>();
    keys.forEach(key -> fingerprints.add(KeyRecord.fingerprintOf(key)));
    return fingerprints;
  }

  private static <T> T await(CompletionStage<T> stage) throws IOException {
    try {
      return stage.toCompletableFuture().join();
    } catch (CompletionException e) {
      String message = e.getCause() == null ? e.getMessage() : e.getCause().getMessage();
      throw new IOException("The store's endpoint keys cannot be settled: " + message, e);
    }
  }

  private static void sleep(long nanos) throws InterruptedIOException {
    try {
      TimeUnit.NANOSECONDS.sleep(nanos);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new InterruptedIOException("Interrupted while starting");
    }
  }
}
