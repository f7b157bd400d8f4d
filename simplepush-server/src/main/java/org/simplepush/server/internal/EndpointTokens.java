package org.simplepush.server.internal;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.SecureRandom;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import javax.crypto.IllegalBlockSizeException;
import org.cryptomator.siv.SivMode;
import org.cryptomator.siv.UnauthenticCiphertextException;
import org.jspecify.annotations.Nullable;
import org.simplepush.core.ChannelId;
import org.simplepush.core.StoreException;
import org.simplepush.core.Uaid;

/**
 * Turns a channel into the last part of its endpoint and back (protocol §8): UAID and channel id,
 * encrypted and authenticated with AES-SIV (RFC 5297), in URL-safe Base64. Deterministic, so a
 * repeated register gives the same endpoint. Safe for use by many threads.
 */
public final class EndpointTokens {
  /** What a token names. */
  public record Channel(Uaid uaid, ChannelId channelId) {}

  /** What an endpoint's path has between the server's base and the token. */
  public static final String PATH = "/update/";

  /** Bytes in a key: AES-SIV with two AES-256 keys. */
  public static final int KEY_LENGTH = 64;

  private static final int PLAIN_LENGTH = 32;

  /** 16 bytes of authentication and the two ids: 48 bytes, which Base64 writes without padding. */
  private static final int TOKEN_LENGTH = 64;

  /** Keeps these tokens apart from whatever else somebody may seal with the same key. */
  private static final byte[] PURPOSE = "simplepush endpoint 1".getBytes(StandardCharsets.US_ASCII);

  /** Whether these are all keys that issue endpoints, where other servers have a say in that. */
  public interface Certainty {
    /** Whether no server can have issued an endpoint with a key that is not here. */
    boolean isCertain();

    /** Finds out, if that is not certain; completes with whether it is now. */
    CompletionStage<Boolean> makeCertain();
  }

  private static final Certainty CERTAIN =
      new Certainty() {
        @Override
        public boolean isCertain() {
          return true;
        }

        @Override
        public CompletionStage<Boolean> makeCertain() {
          return CompletableFuture.completedStage(true);
        }
      };

  private final SivMode siv = new SivMode();
  private final Certainty certainty;
  private volatile List<Key> keys = List.of();

  /** With keys that nobody changes. */
  public EndpointTokens(List<byte[]> keys) {
    this(CERTAIN);
    use(keys);
  }

  /** Without keys, until {@link #use}. */
  public EndpointTokens(Certainty certainty) {
    this.certainty = certainty;
  }

  /** Returns a new key. */
  public static byte[] randomKey() {
    byte[] key = new byte[KEY_LENGTH];
    new SecureRandom().nextBytes(key);
    return key;
  }

  /** From now on the first of these keys issues, and all verify. */
  public void use(List<byte[]> secrets) {
    keys = secrets.stream().map(Key::new).toList();
  }

  /** Whether a token that cannot be opened here was never issued, rather than with another key. */
  public boolean isCertain() {
    return certainty.isCertain();
  }

  /** Finds out what {@link #isCertain} says. */
  public CompletionStage<Boolean> makeCertain() {
    return certainty.makeCertain();
  }

  /**
   * Completes when a new endpoint may be handed out. Without certainty the stage fails: other
   * servers might not know the endpoint.
   */
  public CompletionStage<Void> certain() {
    return makeCertain()
        .thenAccept(
            certain -> {
              if (!certain) {
                throw new StoreException("The keys of endpoints are not certain");
              }
            });
  }

  private static final class Key {
    private final byte[] mac;
    private final byte[] encryption;

    Key(byte[] key) {
      int half = key.length / 2;
      this.mac = Arrays.copyOf(key, half);
      this.encryption = Arrays.copyOfRange(key, half, key.length);
    }
  }

  public String seal(Uaid uaid, ChannelId channelId) {
    ByteBuffer plain = ByteBuffer.allocate(PLAIN_LENGTH);
    UUID user = uaid.value();
    UUID channel = channelId.value();
    plain.putLong(user.getMostSignificantBits()).putLong(user.getLeastSignificantBits());
    plain.putLong(channel.getMostSignificantBits()).putLong(channel.getLeastSignificantBits());
    Key first = keys.get(0);
    byte[] sealed = siv.encrypt(first.encryption, first.mac, plain.array(), PURPOSE);
    return Base64.getUrlEncoder().withoutPadding().encodeToString(sealed);
  }

  /** Returns what the token names, or null if none of the keys ever issued it. */
  public @Nullable Channel open(String token) {
    if (token.length() != TOKEN_LENGTH) {
      return null;
    }
    byte[] sealed;
    try {
      sealed = Base64.getUrlDecoder().decode(token);
    } catch (IllegalArgumentException e) {
      return null; // not Base64: never issued
    }
    for (Key key : keys) {
      byte[] plain = decrypt(key, sealed);
      if (plain != null) {
        ByteBuffer ids = ByteBuffer.wrap(plain);
        Uaid uaid = Uaid.of(new UUID(ids.getLong(), ids.getLong()));
        return new Channel(uaid, ChannelId.of(new UUID(ids.getLong(), ids.getLong())));
      }
    }
    return null;
  }

  private byte @Nullable [] decrypt(Key key, byte[] sealed) {
    try {
      return siv.decrypt(key.encryption, key.mac, sealed, PURPOSE);
    } catch (UnauthenticCiphertextException | IllegalBlockSizeException e) {
      return null; // not by this key
    }
  }
}
