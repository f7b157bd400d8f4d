package org.simplepush.appserver.internal.jdbc;

import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.util.Base64;
import javax.crypto.Cipher;
import javax.crypto.Mac;
import javax.crypto.SecretKey;
import javax.crypto.spec.GCMParameterSpec;
import javax.crypto.spec.SecretKeySpec;
import org.jspecify.annotations.Nullable;

/**
 * How endpoints are written into a table: under a fingerprint by which they are found again, plain
 * or encrypted.
 *
 * <p>Encrypted, the fingerprint is an HMAC-SHA256 and the endpoint is AES-256-GCM under a random
 * nonce, each with its own key derived from the one handed in. The place of the row is
 * authenticated with it, so that nobody who can write to the table can move an endpoint to another
 * topic. Thread-safe.
 */
public final class EndpointVault {
  private static final int NONCE_BYTES = 12;
  private static final int TAG_BITS = 128;
  private static final Base64.Encoder BASE64 = Base64.getUrlEncoder().withoutPadding();

  private final SecureRandom random = new SecureRandom();
  private final @Nullable SecretKeySpec fingerprintKey;
  private final @Nullable SecretKeySpec cipherKey;

  private EndpointVault(@Nullable SecretKeySpec fingerprintKey, @Nullable SecretKeySpec cipherKey) {
    this.fingerprintKey = fingerprintKey;
    this.cipherKey = cipherKey;
  }

  /** Returns a vault that encrypts nothing. */
  public static EndpointVault plain() {
    return new EndpointVault(null, null);
  }

  /**
   * Returns a vault that encrypts.
   *
   * @throws IllegalArgumentException if the key does not have 32 bytes that can be read
   */
  public static EndpointVault encrypted(SecretKey key) {
    byte[] secret = key.getEncoded();
    if (secret == null || secret.length != 32) {
      throw new IllegalArgumentException(
          "The key for endpoints has 32 bytes, but it had "
              + (secret == null ? "none that can be read." : secret.length + "."));
    }
    SecretKeySpec root = new SecretKeySpec(secret, "HmacSHA256");
    return new EndpointVault(
        new SecretKeySpec(hmac(root, bytes("simplepush endpoint fingerprint")), "HmacSHA256"),
        new SecretKeySpec(hmac(root, bytes("simplepush endpoint encryption")), "AES"));
  }

  /** Returns 43 characters that are the same for the same endpoint, and say nothing about it. */
  public String fingerprint(URI endpoint) {
    byte[] text = bytes(endpoint.toString());
    byte[] digest;
    try {
      digest =
          fingerprintKey != null
              ? hmac(fingerprintKey, text)
              : MessageDigest.getInstance("SHA-256").digest(text);
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("Every Java has SHA-256, but this one.", e);
    }
    return BASE64.encodeToString(digest);
  }

  /** Returns what to store for {@code endpoint} at {@code place}. */
  public String seal(URI endpoint, String place) {
    if (cipherKey == null) {
      return endpoint.toString();
    }
    byte[] nonce = new byte[NONCE_BYTES];
    random.nextBytes(nonce);
    byte[] sealed;
    try {
      sealed = crypt(Cipher.ENCRYPT_MODE, cipherKey, nonce, place, bytes(endpoint.toString()));
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("Every Java has AES/GCM, but this one.", e);
    }
    return BASE64.encodeToString(
        ByteBuffer.allocate(nonce.length + sealed.length).put(nonce).put(sealed).array());
  }

  /**
   * Returns the endpoint stored as {@code sealed} at {@code place}, under {@code fingerprint}.
   *
   * @throws IllegalStateException if it was stored with another key or at another place, or is
   *     damaged; the message shows nothing of what is stored, except the fingerprint
   */
  public URI open(String fingerprint, String sealed, String place) {
    try {
      URI endpoint = URI.create(cipherKey == null ? sealed : decrypt(cipherKey, sealed, place));
      // Without a key, what was encrypted is taken for an address too.
      if (fingerprint(endpoint).equals(fingerprint)) {
        return endpoint;
      }
    } catch (IllegalArgumentException | GeneralSecurityException e) {
      // Not the cause: it may quote the endpoint.
    }
    throw new IllegalStateException(
        "The endpoint stored under the fingerprint "
            + fingerprint
            + " cannot be read: the key is another than it was stored with, or missing, or the row"
            + " is damaged.");
  }

  private static String decrypt(SecretKeySpec key, String sealed, String place)
      throws GeneralSecurityException {
    byte[] all = Base64.getUrlDecoder().decode(sealed);
    if (all.length < NONCE_BYTES) {
      throw new IllegalArgumentException("shorter than a nonce");
    }
    byte[] nonce = new byte[NONCE_BYTES];
    byte[] rest = new byte[all.length - NONCE_BYTES];
    ByteBuffer.wrap(all).get(nonce).get(rest);
    return new String(crypt(Cipher.DECRYPT_MODE, key, nonce, place, rest), StandardCharsets.UTF_8);
  }

  private static byte[] crypt(int mode, SecretKeySpec key, byte[] nonce, String place, byte[] text)
      throws GeneralSecurityException {
    Cipher cipher = Cipher.getInstance("AES/GCM/NoPadding");
    cipher.init(mode, key, new GCMParameterSpec(TAG_BITS, nonce));
    cipher.updateAAD(bytes(place));
    return cipher.doFinal(text);
  }

  private static byte[] hmac(SecretKeySpec key, byte[] text) {
    try {
      Mac mac = Mac.getInstance("HmacSHA256");
      mac.init(key);
      return mac.doFinal(text);
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("Every Java has HmacSHA256, but this one.", e);
    }
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }
}
