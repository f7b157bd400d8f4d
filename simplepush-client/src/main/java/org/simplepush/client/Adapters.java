package org.simplepush.client;

import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.simplepush.client.ApplicationManifest.Permission;
import org.simplepush.client.internal.device.Handlers;
import org.simplepush.client.internal.device.KnownEndpoint;
import org.simplepush.client.internal.device.Manifest;
import org.simplepush.client.internal.device.Reply;
import org.simplepush.client.internal.device.RequestException;

/**
 * Translates between the public types and those of the device, which does not know the public ones.
 */
final class Adapters {
  private Adapters() {}

  /** Returns what an object can do that may implement several handlers. */
  static Handlers handlers(PushHandler handler) {
    return handlers(handler, handler instanceof EndpointReplacedHandler replaced ? replaced : null);
  }

  static Handlers handlers(PushHandler handler, @Nullable EndpointReplacedHandler replaced) {
    return new Handlers(
        (endpoint, version) -> handler.onPush(new PushMessage(endpoint, version)),
        replaced == null ? null : replaced::onEndpointReplaced,
        handler instanceof PushRegisterHandler pushRegister ? pushRegister::onPushRegister : null,
        handler instanceof RegisteredHandler registered ? registered::onRegistered : null,
        handler instanceof SynchroniseHandler synchronise ? synchronise::onSynchronise : null);
  }

  static Manifest manifest(ApplicationManifest manifest) {
    return new Manifest(
        manifest.name(),
        manifest.permissions().stream()
            .map(Permission::manifestName)
            .collect(Collectors.toUnmodifiableSet()),
        manifest.handler());
  }

  static ApplicationManifest manifest(Manifest manifest) {
    Set<Permission> permissions =
        Arrays.stream(Permission.values())
            .filter(permission -> manifest.permissions().contains(permission.manifestName()))
            .collect(Collectors.toUnmodifiableSet());
    return new ApplicationManifest(manifest.name(), permissions, manifest.handler());
  }

  /** Keeps the order. */
  static Map<String, ApplicationManifest> manifests(Map<String, Manifest> manifests) {
    Map<String, ApplicationManifest> translated = new LinkedHashMap<>();
    manifests.forEach((application, manifest) -> translated.put(application, manifest(manifest)));
    return Collections.unmodifiableMap(translated);
  }

  static List<PushRegistration> registrations(List<KnownEndpoint> endpoints) {
    return endpoints.stream()
        .map(known -> new PushRegistration(known.endpoint(), optional(known.version())))
        .toList();
  }

  private static OptionalLong optional(@Nullable Long number) {
    return number == null ? OptionalLong.empty() : OptionalLong.of(number);
  }

  /** Returns a reply that completes the future with what the device answers. */
  static <T> Reply<T> reply(CompletableFuture<T> result) {
    return new Reply<>() {
      @Override
      public void completed(@Nullable T value) {
        result.complete(value);
      }

      @Override
      public void failed(RequestException failure) {
        result.completeExceptionally(PushException.of(failure));
      }
    };
  }

  /** Returns a reply that completes the future with the translation of the device's answer. */
  static <S, T> Reply<S> reply(CompletableFuture<T> result, Function<S, T> translation) {
    return new Reply<>() {
      @Override
      public void completed(@Nullable S value) {
        result.complete(value == null ? null : translation.apply(value));
      }

      @Override
      public void failed(RequestException failure) {
        result.completeExceptionally(PushException.of(failure));
      }
    };
  }
}
