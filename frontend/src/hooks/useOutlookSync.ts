/** The hook as WS-217 writes it; only the import of its types is added. */
import { useState, useEffect, useCallback } from 'react';
import type {
  OutlookIntegration,
  OutlookSyncHistoryItem,
  OutlookSyncRequest,
  OutlookSyncStatusResponse,
  ResolveConflictRequest,
  UpdateOutlookSettingsRequest,
} from '../types/outlook';

export function useOutlookSync() {
  const [integration, setIntegration] = useState<OutlookIntegration | null>(null);
  const [syncStatus, setSyncStatus] = useState<OutlookSyncStatusResponse | null>(null);
  const [syncHistory, setSyncHistory] = useState<OutlookSyncHistoryItem[]>([]);
  const [isLoading, setIsLoading] = useState(true);
  const [error, setError] = useState<string | null>(null);

  const loadIntegration = useCallback(async () => {
    try {
      setIsLoading(true);
      const response = await fetch('/api/calendar/outlook/sync');
      
      if (response.ok) {
        const data = await response.json();
        setIntegration(data.integration);
        setSyncStatus(data);
        setSyncHistory(data.recentSyncHistory);
      } else if (response.status === 404) {
        // No integration exists yet
        setIntegration(null);
      } else {
        throw new Error('Failed to load integration');
      }
    } catch (err) {
      setError(err instanceof Error ? err.message : 'Load failed');
    } finally {
      setIsLoading(false);
    }
  }, []);

  useEffect(() => {
    loadIntegration();
  }, [loadIntegration]);

  const connectOutlook = useCallback(async () => {
    try {
      const response = await fetch('/api/calendar/outlook/auth');
      const data = await response.json();
      return data.authUrl;
    } catch (err) {
      setError(err instanceof Error ? err.message : 'Connection failed');
      throw err;
    }
  }, []);

  const disconnectOutlook = useCallback(async () => {
    try {
      const response = await fetch('/api/calendar/outlook/integration', {
        method: 'DELETE'
      });

      if (response.ok) {
        setIntegration(null);
        setSyncStatus(null);
        setSyncHistory([]);
      } else {
        throw new Error('Failed to disconnect');
      }
    } catch (err) {
      setError(err instanceof Error ? err.message : 'Disconnect failed');
    }
  }, []);

  const triggerSync = useCallback(async (options: OutlookSyncRequest = {}) => {
    try {
      const response = await fetch('/api/calendar/outlook/sync', {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify(options)
      });

      if (!response.ok) {
        throw new Error('Sync failed to start');
      }

      const result = await response.json();
      
      // Refresh status after a short delay
      setTimeout(() => {
        loadIntegration();
      }, 1000);

      return result;
    } catch (err) {
      setError(err instanceof Error ? err.message : 'Sync failed');
      throw err;
    }
  }, [loadIntegration]);

  const updateSettings = useCallback(async (settings: UpdateOutlookSettingsRequest) => {
    try {
      const response = await fetch('/api/calendar/outlook/settings', {
        method: 'PUT',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify(settings)
      });

      if (!response.ok) {
        throw new Error('Settings update failed');
      }

      const result = await response.json();
      setIntegration(result.integration);

      return result;
    } catch (err) {
      setError(err instanceof Error ? err.message : 'Settings update failed');
      throw err;
    }
  }, []);

  const resolveConflicts = useCallback(async (eventId: string, resolutions: ResolveConflictRequest) => {
    try {
      const response = await fetch(`/api/calendar/outlook/events/${eventId}/resolve`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify(resolutions)
      });

      if (!response.ok) {
        throw new Error('Conflict resolution failed');
      }

      // Refresh integration status
      loadIntegration();
      
      return await response.json();
    } catch (err) {
      setError(err instanceof Error ? err.message : 'Conflict resolution failed');
      throw err;
    }
  }, [loadIntegration]);

  return {
    integration,
    syncStatus,
    syncHistory,
    isLoading,
    error,
    connectOutlook,
    disconnectOutlook,
    triggerSync,
    updateSettings,
    resolveConflicts,
    refresh: loadIntegration
  };
}
