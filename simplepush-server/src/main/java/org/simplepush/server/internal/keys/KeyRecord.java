package org.simplepush.server.internal.keys;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Collection;
import java.util.HexFormat;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.simplepush.server.EndpointKeysException;
import org.simplepush.server.internal.EndpointTokens;

/**
 * What a durable store remembers of endpoint keys (protocol §8): which have issued since when, and
 * the keys themselves unless the operator handed them in. Immutable.
 *
 * @param issued the keys that have issued endpoints; the last one does now. Never empty
 * @param next a key of a rotation under way: it issues as soon as all servers know it
 * @param startingOver whether user agents are still to be dropped before anybody is served
 * @param startedOver how often all user agents had to start over
 * @param mark tells this record from one that was put back after the store had lost it, and perhaps
 *     user agents with it; null if it is unknown, as after an older version has written it
 */
public record KeyRecord(
    List<Entry> issued,
    @Nullable Entry next,
    boolean startingOver,
    long startedOver,
    @Nullable String mark) {
  private static final String TITLE = "simplepush endpoint keys ";
  private static final int FORMAT = 1;

  /** Keeps fingerprints apart from whatever else somebody may hash. */
  private static final byte[] PURPOSE =
      "simplepush endpoint key".getBytes(StandardCharsets.US_ASCII);

  /**
   * One key.
   *
   * @param fingerprint tells it from others, and nobody can get the key back out of it
   * @param since when it began to issue, in milliseconds since 1970; 0 if it has not
   * @param base64 the key, or null if it was handed in and so must not be stored
   */
  public record Entry(String fingerprint, long since, @Nullable String base64) {
    public static Entry kept(byte[] key, long since) {
      return new Entry(fingerprintOf(key), since, Base64.getEncoder().encodeToString(key));
    }

    static Entry handedIn(byte[] key, long since) {
      return new Entry(fingerprintOf(key), since, null);
    }

    public boolean isKept() {
      return base64 != null;
    }

    Entry since(long since) {
      return new Entry(fingerprint, since, base64);
    }

    Entry handedIn() {
      return new Entry(fingerprint, since, null);
    }

    @Override
    public String toString() {
      return "Entry[since=" + since + ", kept=" + isKept() + "]";
    }
  }

  public KeyRecord {
    issued = List.copyOf(issued);
  }

  /** A record of keys that have issued endpoints, the last of them does now. */
  public static KeyRecord of(List<Entry> issued) {
    return new KeyRecord(issued, null, false, 0, null);
  }

  public static String fingerprintOf(byte[] key) {
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      digest.update(PURPOSE);
      return HexFormat.of().formatHex(digest.digest(key), 0, 16);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("Every Java has SHA-256", e);
    }
  }

  /** The key that issues endpoints now. */
  public Entry last() {
    return issued.get(issued.size() - 1);
  }

  /** Everything written down, whether or not it has issued. */
  private List<Entry> all() {
    List<Entry> all = new ArrayList<>(issued);
    if (next != null) {
      all.add(next);
    }
    return all;
  }

  boolean holds(String fingerprint) {
    return all().stream().anyMatch(entry -> entry.fingerprint().equals(fingerprint));
  }

  /** The keys in the store: the one that issued last comes first, one that is yet to issue last. */
  public List<byte[]> kept() {
    List<byte[]> kept = new ArrayList<>();
    for (Entry entry : all()) {
      if (entry.base64() != null) {
        byte[] key = Base64.getDecoder().decode(entry.base64());
        kept.add(entry.equals(next) ? kept.size() : 0, key);
      }
    }
    return kept;
  }

  /** Those that have issued endpoints and are neither in the store nor among these. */
  List<Entry> missing(Collection<String> fingerprints) {
    return issued.stream()
        .filter(entry -> !entry.isKept() && !fingerprints.contains(entry.fingerprint()))
        .toList();
  }

  /**
   * Notes that keys were handed in, of which the first issues from now on. The store keeps none of
   * these any longer.
   */
  KeyRecord issuedBy(List<byte[]> handedIn, long now) {
    Set<String> fingerprints =
        handedIn.stream().map(KeyRecord::fingerprintOf).collect(Collectors.toSet());
    String first = fingerprintOf(handedIn.get(0));
    List<Entry> entries = new ArrayList<>();
    for (Entry entry : issued) {
      entries.add(fingerprints.contains(entry.fingerprint()) ? entry.handedIn() : entry);
    }
    if (!last().fingerprint().equals(first)) {
      entries.removeIf(entry -> entry.fingerprint().equals(first));
      entries.add(Entry.handedIn(handedIn.get(0), now));
    }
    return new KeyRecord(entries, null, startingOver, startedOver, mark);
  }

  /** Begins a rotation, unless one is under way. */
  KeyRecord withNext(byte[] key) {
    return next != null
        ? this
        : new KeyRecord(issued, Entry.kept(key, 0), startingOver, startedOver, mark);
  }

  /** Ends the rotation under way: the new key issues from now on. */
  KeyRecord rotated(long now) {
    if (next == null) {
      return this;
    }
    List<Entry> entries = new ArrayList<>(issued);
    entries.add(next.since(now));
    return new KeyRecord(entries, null, startingOver, startedOver, mark);
  }

  /** Puts back what another record holds and this one does not. */
  KeyRecord withMissingOf(KeyRecord other) {
    List<Entry> entries = new ArrayList<>();
    for (Entry entry : other.issued) {
      if (!holds(entry.fingerprint()) && !entry.equals(other.last())) {
        entries.add(entry);
      }
    }
    entries.addAll(issued);
    if (!holds(other.last().fingerprint())) {
      entries.add(other.last());
    }
    return new KeyRecord(
        entries, next, startingOver, Math.max(startedOver, other.startedOver), mark);
  }

  /**
   * Told to start over: these keys go on, and nothing is served before all user agents are gone.
   */
  public KeyRecord startingOver(List<Entry> entries) {
    return new KeyRecord(entries, null, true, startedOver, mark);
  }

  /** All user agents are gone. */
  KeyRecord afterStartingOver() {
    return new KeyRecord(issued, next, false, startedOver + 1, mark);
  }

  /** The same, told from all that were in the store before. */
  KeyRecord withNewMark() {
    return new KeyRecord(issued, next, startingOver, startedOver, UUID.randomUUID().toString());
  }

  /** The record as a store keeps it. */
  public String text() {
    StringBuilder text = new StringBuilder(TITLE).append(FORMAT).append('\n');
    text.append("started-over ").append(startedOver);
    if (mark != null) {
      text.append(' ').append(mark); // what follows the number, older versions pass over
    }
    text.append('\n');
    if (startingOver) {
      text.append("starting-over\n");
    }
    issued.forEach(entry -> append(text, "issued", entry));
    if (next != null) {
      append(text, "next", next);
    }
    return text.toString();
  }

  private static void append(StringBuilder text, String what, Entry entry) {
    text.append(what).append(' ').append(entry.fingerprint()).append(' ').append(entry.since());
    if (entry.base64() != null) {
      text.append(' ').append(entry.base64());
    }
    text.append('\n');
  }

  /**
   * Reads what {@link #text} wrote.
   *
   * @throws EndpointKeysException if it is something else, or of a later version
   */
  public static KeyRecord parse(String text) throws EndpointKeysException {
    List<String> lines = text.lines().toList();
    String title = lines.isEmpty() ? "" : lines.get(0);
    if (!title.equals(TITLE + FORMAT)) {
      throw new EndpointKeysException(
          title.startsWith(TITLE)
              ? "The store's record of the endpoint keys was written by a later version: upgrade"
              : "The store's record of the endpoint keys is not one: restore the store");
    }
    List<Entry> issued = new ArrayList<>();
    Entry next = null;
    boolean startingOver = false;
    long startedOver = 0;
    String mark = null;
    try {
      for (String line : lines.subList(1, lines.size())) {
        String[] words = line.split(" ", -1);
        switch (words[0]) {
          case "started-over" -> {
            startedOver = Long.parseLong(words[1]);
            mark = words.length > 2 ? words[2] : null;
          }
          case "starting-over" -> startingOver = true;
          case "issued" -> issued.add(entry(words));
          case "next" -> next = entry(words);
          default -> throw new IllegalArgumentException("an unknown line");
        }
      }
      if (issued.isEmpty()) {
        throw new IllegalArgumentException("no key");
      }
    } catch (IllegalArgumentException | ArrayIndexOutOfBoundsException e) {
      // Without the cause, whose message may hold a part of a key.
      throw new EndpointKeysException(
          "The store's record of the endpoint keys is damaged: restore the store");
    }
    return new KeyRecord(issued, next, startingOver, startedOver, mark);
  }

  private static Entry entry(String[] words) {
    String base64 = words.length > 3 ? words[3] : null;
    if (base64 != null && Base64.getDecoder().decode(base64).length != EndpointTokens.KEY_LENGTH) {
      throw new IllegalArgumentException("not a key");
    }
    return new Entry(words[1], Long.parseLong(words[2]), base64);
  }
}
