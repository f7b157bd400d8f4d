package org.simplepush.client.internal.device;

import java.io.IOException;
import java.net.URI;
import java.net.URLDecoder;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;
import org.simplepush.client.internal.connection.KeepAlive;
import org.simplepush.client.internal.device.Deadlines.Deadline;
import org.simplepush.client.internal.device.Deadlines.Renew;
import org.simplepush.client.internal.device.Deadlines.Retire;
import org.simplepush.client.internal.device.Deadlines.Synchronise;
import org.simplepush.core.ChannelId;
import org.simplepush.core.Uaid;

/**
 * How a device's state is written down: a line a fact. The last line has a checksum of all before
 * it, which proves that the text is whole and as it was written. Format 1, which is still read, had
 * none.
 */
public final class DeviceStateText {
  private static final String NAME = "simplepush-device ";
  private static final String FIRST_LINE = NAME + "2";
  private static final String FIRST_LINE_OF_FORMAT_1 = NAME + "1";
  private static final String END = "end";
  private static final String NO_VERSION = "-";
  private static final String NO_CHANNEL = "-";

  private DeviceStateText() {}

  /** Returns the state as one text. */
  static String write(DeviceState state) {
    StringBuilder text = new StringBuilder(100 + 300 * state.registrations().size());
    line(text, FIRST_LINE);
    Uaid uaid = state.uaid();
    if (uaid != null) {
      line(text, "uaid", uaid.text());
    }
    state
        .manifests()
        .forEach(
            (application, manifest) ->
                line(
                    text,
                    "application",
                    encode(application),
                    encode(manifest.name()),
                    encode(manifest.handler()),
                    encode(permissions(manifest))));
    for (Registration registration : state.registrations()) {
      Long version = registration.version();
      line(
          text,
          "channel",
          registration.channelId.text(),
          version == null ? NO_VERSION : version.toString(),
          registration.endpoint.toString(),
          encode(registration.application));
    }
    for (Registration registration : state.registrations()) {
      if (registration.successor != null) {
        line(text, "retired", registration.channelId.text(), registration.successor.text());
      }
    }
    state
        .networks()
        .forEach(
            (network, learned) ->
                line(
                    text,
                    "network",
                    encode(network),
                    String.valueOf(learned.holds().toMillis()),
                    String.valueOf(learned.breaks().toMillis())));
    for (Owed owed : state.owed()) {
      String channelId = owed.channelId == null ? NO_CHANNEL : owed.channelId.text();
      line(text, word(owed), channelId, what(owed), encode(owed.application));
    }
    for (String application : state.toRegisterAnew()) {
      line(text, "push-register", encode(application));
    }
    state
        .deadlines()
        .forEach((deadline, end) -> line(text, word(deadline), end.toString(), what(deadline)));
    return sealed(text.toString());
  }

  private static String word(Owed owed) {
    return switch (owed.type()) {
      case QUEUED -> "wanted";
      case REPLACEMENT -> "lost";
      case RENEWAL -> ((Owed.Renewal) owed).distrusted ? "replaced" : "renewed";
    };
  }

  private static String what(Owed owed) {
    return switch (owed.type()) {
      case QUEUED -> encode(((Owed.Queued) owed).tag);
      case REPLACEMENT -> ((Owed.Replacement) owed).lost.toString();
      case RENEWAL -> ((Owed.Renewal) owed).renewed.text();
    };
  }

  private static String word(Deadline deadline) {
    return switch (deadline.type()) {
      case SYNCHRONISE -> "synchronise";
      case RENEW -> "renew";
      case RETIRE -> "retire";
    };
  }

  private static String what(Deadline deadline) {
    return switch (deadline.type()) {
      case SYNCHRONISE -> encode(((Synchronise) deadline).application());
      case RENEW -> ((Renew) deadline).channelId().text();
      case RETIRE -> ((Retire) deadline).channelId().text();
    };
  }

  /** Closes a text with its checksum. */
  static String sealed(String text) {
    return text + END + " " + checksum(text) + "\n";
  }

  /** Eight digits that any change of a bit changes. */
  private static String checksum(String text) {
    CRC32C checksum = new CRC32C();
    checksum.update(text.getBytes(StandardCharsets.UTF_8));
    return String.format(Locale.ROOT, "%08x", checksum.getValue());
  }

  private static void line(StringBuilder text, String... words) {
    text.append(String.join(" ", words)).append('\n');
  }

  /**
   * Reads what {@link #write} wrote.
   *
   * @throws IOException if it did not; the message quotes nothing, because the text holds secrets
   */
  public static DeviceState parse(String text) throws IOException {
    List<String> lines = new ArrayList<>(text.lines().toList());
    if (lines.isEmpty()) {
      throw new IOException("The stored state is empty: it is damaged, or no device's state");
    }
    String first = lines.get(0);
    boolean isOfFormat1 = first.equals(FIRST_LINE_OF_FORMAT_1);
    if (!isOfFormat1 && !first.equals(FIRST_LINE)) {
      boolean named = first.matches(NAME + "\\d+");
      throw new IOException(
          "The stored state does not start with \""
              + FIRST_LINE
              + "\": it is "
              + (named ? "of another version of SimplePush" : "damaged, or no device's state"));
    }
    String last = lines.get(lines.size() - 1);
    if (!last.matches(isOfFormat1 ? END : END + " [0-9a-f]{8}")) {
      throw new IOException("The stored state is cut off: its last line is missing");
    }
    if (!isOfFormat1 && !text.equals(sealed(text.substring(0, text.lastIndexOf(last))))) {
      throw new IOException(
          "The stored state is damaged: its checksum is wrong. Without it, this is a new device:"
              + " its applications have no endpoints and register again");
    }
    DeviceState state = new DeviceState();
    for (int i = 1; i < lines.size() - 1; i++) {
      try {
        read(state, lines.get(i).split(" ", -1));
      } catch (IllegalArgumentException e) {
        throw new IOException("Line " + (i + 1) + " of the stored state cannot be read");
      }
    }
    return state;
  }

  private static void read(DeviceState state, String[] words) {
    if (words.length != lengthOf(words[0])) {
      throw new IllegalArgumentException("words are missing, or there are more");
    }
    switch (words[0]) {
      case "uaid" -> state.uaid(Uaid.parse(words[1]));
      case "channel" -> {
        Long version = words[2].equals(NO_VERSION) ? null : Long.valueOf(words[2]);
        ChannelId channelId = ChannelId.parse(words[1]);
        state.add(new Registration(decode(words[4]), channelId, URI.create(words[3]), version));
      }
      case "application" ->
          state.install(
              decode(words[1]),
              new Manifest(decode(words[2]), permissions(decode(words[4])), decode(words[3])));
      case "network" ->
          state
              .networks()
              .put(decode(words[1]), new KeepAlive.Learned(millis(words[2]), millis(words[3])));
      case "wanted" ->
          state.owe(new Owed.Queued(decode(words[3]), decode(words[2]), channelOrNull(words[1])));
      case "lost" ->
          state.owe(
              new Owed.Replacement(
                  decode(words[3]), URI.create(words[2]), channelOrNull(words[1])));
      case "renewed" -> readRenewed(state, known(state, words[2]), channelOrNull(words[1]));
      case "replaced" -> {
        Owed.Renewal renewal = new Owed.Renewal(known(state, words[2]));
        renewal.distrusted = true;
        renewal.channelId = channelOrNull(words[1]);
        state.owe(renewal);
      }
      case "retired" -> {
        Registration old = known(state, words[1]);
        old.successor = known(state, words[2]).succeeding(old).channelId;
      }
      case "renew" -> state.deadlines().put(new Renew(ChannelId.parse(words[2])), end(words));
      case "retire" -> state.deadlines().put(new Retire(ChannelId.parse(words[2])), end(words));
      case "synchronise" -> state.deadlines().put(new Synchronise(decode(words[2])), end(words));
      case "push-register" -> state.registerAnew(decode(words[1]));
      default -> throw new IllegalArgumentException("an unknown line");
    }
  }

  /** Returns how many words such a line has; 0 if there are no such lines. */
  private static int lengthOf(String word) {
    return switch (word) {
      case "channel", "application" -> 5;
      case "network", "wanted", "lost", "renewed", "replaced" -> 4;
      case "retired", "renew", "retire", "synchronise" -> 3;
      case "uaid", "push-register" -> 2;
      default -> 0;
    };
  }

  private static Long end(String[] words) {
    return Long.valueOf(words[1]);
  }

  private static void readRenewed(
      DeviceState state, Registration old, @Nullable ChannelId successor) {
    Owed.Renewal renewal = new Owed.Renewal(old);
    if (successor != null) {
      renewal.channelId = known(state, successor.text()).succeeding(old).channelId;
    }
    state.owe(renewal);
  }

  private static Registration known(DeviceState state, String channelId) {
    Registration known = state.registration(ChannelId.parse(channelId));
    if (known == null) {
      throw new IllegalArgumentException("a channel that is not registered");
    }
    return known;
  }

  private static Duration millis(String word) {
    return Duration.ofMillis(Long.parseLong(word));
  }

  private static @Nullable ChannelId channelOrNull(String word) {
    return word.equals(NO_CHANNEL) ? null : ChannelId.parse(word);
  }

  private static String permissions(Manifest manifest) {
    return manifest.permissions().stream().sorted().collect(Collectors.joining(","));
  }

  private static Set<String> permissions(String names) {
    return Arrays.stream(names.split(","))
        .filter(name -> !name.isEmpty())
        .collect(Collectors.toUnmodifiableSet());
  }

  /** Makes one word of any text, an empty one too. */
  private static String encode(String text) {
    return "=" + URLEncoder.encode(text, StandardCharsets.UTF_8);
  }

  private static String decode(String word) {
    if (!word.startsWith("=")) {
      throw new IllegalArgumentException("a text starts with =");
    }
    return URLDecoder.decode(word.substring(1), StandardCharsets.UTF_8);
  }
}
